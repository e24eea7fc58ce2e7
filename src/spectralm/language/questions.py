"""Questions about spectra (paper III.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypedDict

import numpy as np

from spectralm.labels.vocabulary import LABELS, PARAMETERS, Label
from spectralm.language.errors import ParseError
from spectralm.language.flux import FluxText

OPEN, CLOSE = "<flux>", "</flux>"


class Record(TypedDict):
    """A line of a question-answer file."""

    obsid: int
    asked: list[str]
    """Names of the labels, in the order of the answer."""
    labels: dict[str, str | float]
    """Class (stage 1) and values of the survey, as the answer spells them; empty without answer."""
    question: str
    answer: str
    """Empty for a test star whose labels cannot be spelled."""


@dataclass(frozen=True)
class Question:
    """A question, and the labels that it asks for."""

    text: str
    asked: tuple[Label, ...]
    """PARAMETERS, or some of ABUNDANCES in their order."""
    obsid: int
    """Of the spectrum that it is about."""

    @classmethod
    def of(cls, record: Record) -> Self:
        """The question of a record."""
        asked = tuple(LABELS[name] for name in record["asked"])
        return cls(record["question"], asked, record["obsid"])


def instruction(wavelength: Sequence[float], asked: tuple[Label, ...] = PARAMETERS) -> str:
    """The paper's words before the flux of a question: stage 1's, or one for abundances."""
    if asked != PARAMETERS:
        return (
            "Given the normalized flux data sorted by wavelength, "
            f"from {wavelength[0]:g} angstrom to {wavelength[-1]:g} angstrom. "
            "Your task is to analyze this spectrum, and predict physical parameters: "
            f"{' '.join(label.text for label in asked)}. "
        )
    names = ", ".join(f"'{name}'" for name in ("class", *(label.text for label in PARAMETERS)))
    return (
        "Given the normalized flux data sorted by wavelength, "
        f"from {wavelength[0]:g} angstrom to {wavelength[-1]:g}. "
        "Your task is to analyze this spectrum, and predict spectral type and physical "
        f"parameters. Organize your answer in the order of [{names}]. "
    )


def write_question(
    thousandths: np.ndarray, text: FluxText, asked: tuple[Label, ...] = PARAMETERS
) -> str:
    """The question about a spectrum (int16 thousandths on the grid of ``text``)."""
    return f"{instruction(text.wavelength, asked)}{OPEN}{text.write(thousandths)}{CLOSE}"


def read_question(
    question: str, text: FluxText, asked: tuple[Label, ...] = PARAMETERS
) -> np.ndarray:
    """The int16 thousandths of a question.

    Raises:
        ParseError: :func:`write_question` does not write this question about these labels.
    """
    before = instruction(text.wavelength, asked) + OPEN
    if not (question.startswith(before) and question.endswith(CLOSE)):
        raise ParseError(
            f"not a question about these labels: {question[:60]!r} ... {question[-20:]!r}"
        )
    return text.read(question[len(before) : -len(CLOSE)])
