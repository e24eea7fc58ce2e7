"""How spectra and labels are written as text."""

from typing import Literal

from pydantic import Field, PositiveInt

from spectralm.labels.vocabulary import PARAMETERS
from spectralm.options import Options


class TextOptions(Options):
    """One way of writing a question and its answer (paper III.1)."""

    flux: Literal["paper", "compact", "soft"] = "paper"
    """`paper`: 0.303, 0.3, ... (five Llama-3 tokens per pixel); `compact`: thousandths of fixed
    width, 303300... (one token per pixel); `soft`: no numbers, but the soft tokens that the model's
    `read_in` makes of the spectrum."""

    bin: PositiveInt = 1
    """Grid points whose mean is one pixel of the text; masked ones are left out."""

    answer: Literal["characters", "grouped"] = "characters"
    """`characters`: a space after every digit, as in the paper; `grouped`: a three-digit number per
    label."""

    decimals: dict[str, int] = Field(default={label.name: label.decimals for label in PARAMETERS})
    """Digits after the point of each label, for `characters`."""

    marker_every: int = Field(default=0, ge=0)
    """Pixels from one wavelength marker, such as [3800], to the next; 0 writes none."""
