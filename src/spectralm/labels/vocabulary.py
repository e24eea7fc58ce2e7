"""Spectral classes and the labels of a star."""

from dataclasses import dataclass
from typing import ClassVar, Self

CLASSES = ("A", "F", "G", "K", "M")

#: What surveys write where they have no value (docs/survey_files.md). Text columns also use blanks.
MISSING_NUMBERS = (-9999.0, -9999.99, -999.0)
MISSING_TEXTS = ("", "Non", "nan", "NaN", "null", "None")


@dataclass(frozen=True)
class Label:
    """One quantity that a model is asked for."""

    name: str
    """As a column of our tables."""
    text: str
    """As the paper writes it in questions."""
    latex: str
    unit: str
    decimals: int
    """Digits after the point in the paper's answers."""
    low: float
    """Values below are not a star's; with ``high`` it bounds the digits and sign of an answer."""
    high: float
    step: float
    """Size of one unit of a grouped answer (three digits)."""
    offset: float
    """What 000 stands for in a grouped answer."""


TEFF = Label("teff", "Teff", r"$T_{\rm eff}$", "K", 2, 2000.0, 13988.0, 12.0, 2000.0)
LOGG = Label("logg", "logg", r"$\log g$", "dex", 3, -1.0, 6.0, 0.01, -1.0)
FEH = Label("feh", "[Fe/H]", "[Fe/H]", "dex", 4, -5.0, 1.5, 0.01, -5.0)

PARAMETERS = (TEFF, LOGG, FEH)

#: Species of the abundances, spelt and ordered as in APOGEE; CI is carbon by its atomic lines, TIII
#: is Ti II.
SPECIES = (
    *("C", "CI", "N", "O", "NA", "MG", "AL", "SI", "P", "S", "K", "CA", "TI", "TIII", "V", "CR"),
    *("MN", "CO", "NI", "CU", "CE"),
)
_IONS = {"CI": "C I", "TIII": "Ti II"}

#: [X/Fe]. The paper prints all digits of a float32; four are a hundredth of the best errors.
ABUNDANCES = tuple(
    Label(
        name=f"{species.lower()}_fe",
        text=f"{species}_FE",
        latex=f"[{_IONS.get(species, species.title())}/Fe]",
        unit="dex",
        decimals=4,
        low=-2.5,
        high=2.495,
        step=0.005,
        offset=-2.5,
    )
    for species in SPECIES
)

#: Every label by its name.
LABELS = {label.name: label for label in (*PARAMETERS, *ABUNDANCES)}


class Targets(str):
    """What stars are asked for.

    ``parameters`` (stage 1): class, Teff, log g and [Fe/H] of each. SPECIES in their order, as
    ``C,N,MG`` (stage 2): those of their abundances that the survey has of the star.
    """

    PARAMETERS: ClassVar["Targets"]
    ABUNDANCES: ClassVar["Targets"]
    """Every abundance."""

    def __new__(cls, text: str) -> Self:
        """Raises ValueError: any other text."""
        named = text.split(",")
        if text != "parameters" and [name for name in SPECIES if name in named] != named:
            raise ValueError(f"{text!r} is neither 'parameters' nor a list of {', '.join(SPECIES)}")
        return super().__new__(cls, text)

    @property
    def kind(self) -> str:
        """``parameters`` or ``abundances``, as in the names of files."""
        return "parameters" if self == Targets.PARAMETERS else "abundances"

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of an answer, in its order."""
        if self == Targets.PARAMETERS:
            return PARAMETERS
        return tuple(LABELS[f"{species.lower()}_fe"] for species in self.split(","))


Targets.PARAMETERS = Targets("parameters")
Targets.ABUNDANCES = Targets(",".join(SPECIES))
