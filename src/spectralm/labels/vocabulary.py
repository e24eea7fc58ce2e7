"""Spectral classes and the labels of a star."""

from dataclasses import dataclass
from typing import ClassVar, Self

CLASSES = ("A", "F", "G", "K", "M")

#: Codes of missing values in surveys' files (docs/survey_files.md).
MISSING_NUMBERS = (-9999.0, -9999.99, -999.0)
MISSING_TEXTS = ("", "Non", "nan", "NaN", "null", "None")


@dataclass(frozen=True)
class Label:
    """A quantity that models predict."""

    name: str
    """The column of our tables."""
    text: str
    """The name in questions, as in the paper."""
    latex: str
    unit: str
    decimals: int
    """Digits after the point in the paper's answers."""
    low: float
    """The smallest possible value; with ``high`` it limits the digits and sign of an answer."""
    high: float
    step: float
    """The step of the three-digit numbers of grouped answers."""
    offset: float
    """The value of 000 in grouped answers."""


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

#: [X/Fe]. The paper prints all digits of a float32; rounding to four is 1 % of the best errors.
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
    """What a model predicts.

    ``parameters`` (stage 1): class, Teff, log g and [Fe/H]. Or a list of SPECIES in their order,
    such as ``C,N,MG`` (stage 2): abundances; a question is about those that the survey measured.
    """

    PARAMETERS: ClassVar["Targets"]
    ABUNDANCES: ClassVar["Targets"]
    """Every abundance."""

    def __new__(cls, text: str) -> Self:
        """Raise ValueError for any other text."""
        species = text.split(",")
        if text != "parameters" and [name for name in SPECIES if name in species] != species:
            raise ValueError(f"{text!r} is neither 'parameters' nor a list of {', '.join(SPECIES)}")
        return super().__new__(cls, text)

    @property
    def kind(self) -> str:
        """``parameters`` or ``abundances``, as in the names of files."""
        return "parameters" if self == Targets.PARAMETERS else "abundances"

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels, in the order of an answer."""
        if self == Targets.PARAMETERS:
            return PARAMETERS
        return tuple(LABELS[f"{species.lower()}_fe"] for species in self.split(","))


Targets.PARAMETERS = Targets("parameters")
Targets.ABUNDANCES = Targets(",".join(SPECIES))
