"""How spectra and labels are written as text."""

from typing import Literal

from pydantic import Field

from spectralm.labels.vocabulary import PARAMETERS
from spectralm.options import Options


class TextOptions(Options):
    """One way of writing a question and its answer (paper III.1)."""

    flux: Literal["paper", "compact"] = "paper"
    """`paper`: 0.303, 0.3, ... (five Llama-3 tokens a pixel); `compact`: fixed-width thousandths
    303300... (one token a pixel)."""

    answer: Literal["characters", "grouped"] = "characters"
    """`characters`: every digit spaced, as the paper; `grouped`: one three-digit number a label."""

    decimals: dict[str, int] = Field(default={label.name: label.decimals for label in PARAMETERS})
    """Digits after the point of each label, for `characters`."""

    marker_every: int = Field(default=0, ge=0)
    """Write the wavelength, as in [3800], before every so many pixels; 0 writes none."""
