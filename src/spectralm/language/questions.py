"""Questions about spectra (paper III.1)."""

import re
from collections.abc import Sequence

import numpy as np

from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS, Label
from spectralm.language.errors import ParseError
from spectralm.language.flux import FluxText

OPEN, CLOSE = "<flux>", "</flux>"


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


def asked_of(question: str) -> tuple[Label, ...]:
    """The labels that a question asks for: PARAMETERS, or some ABUNDANCES in their order.

    Raises:
        ParseError: the question names something else, or in another order.
    """
    named = re.search(r": ([^:]+)\. $", question.partition(OPEN)[0])
    if not named:
        return PARAMETERS
    names = named[1].split(" ")
    asked = tuple(label for label in ABUNDANCES if label.text in names)
    if [label.text for label in asked] != names:
        raise ParseError(f"not abundances in their order: {named[1][:120]!r}")
    return asked


def read_question(question: str, text: FluxText) -> np.ndarray:
    """The int16 thousandths of a question.

    Raises:
        ParseError: the question is not one that :func:`write_question` writes.
    """
    before = instruction(text.wavelength, asked_of(question)) + OPEN
    if not (question.startswith(before) and question.endswith(CLOSE)):
        raise ParseError(f"not a question of ours: {question[:60]!r} ... {question[-20:]!r}")
    return text.read(question[len(before) : -len(CLOSE)])
