"""Flux in thousandths to text and back.

The spellings `paper` and `compact` are exact for every int16, and each number can be written in one
way only, so that reading and writing are inverses of each other.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from spectralm.language.errors import ParseError
from spectralm.language.options import TextOptions
from spectralm.spectra.pixels import bin_centres

LOWEST, HIGHEST = -(2**15), 2**15 - 1
MARKER = re.compile(r"\[[0-9]+\] ?")


def _paper_word(thousandths: int) -> str:
    return str(thousandths / 1000)


def _compact_word(thousandths: int) -> str:
    """Three digits per pixel; each ``+`` before them adds 1000, and ``-`` negates.

    Examples: ``-003``, ``+000`` = 1.000, ``+137`` = 1.137. A sign is one more Llama-3 token, and
    the digits after it are still grouped in threes (docs/training_facts.md).
    """
    thousands, rest = divmod(abs(thousandths), 1000)
    return "-" * (thousandths < 0) + "+" * thousands + f"{rest:03d}"


@dataclass(frozen=True)
class Spelling:
    """How a pixel is written, and the separator between pixels."""

    word: Callable[[int], str]
    separator: str
    after_marker: str
    pattern: re.Pattern[str]

    @cached_property
    def words(self) -> list[str]:
        """The word of every int16, from -32768 up."""
        return [self.word(value) for value in range(LOWEST, HIGHEST + 1)]

    @cached_property
    def values(self) -> dict[str, int]:
        """The thousandths of each word."""
        return {word: LOWEST + index for index, word in enumerate(self.words)}


SPELLINGS = {
    "paper": Spelling(_paper_word, ", ", " ", re.compile(r"-?[0-9]+\.[0-9]{1,3}")),
    "compact": Spelling(_compact_word, "", "", re.compile(r"-?\+*[0-9]{3}")),
    # Nothing is written: the model reads the spectrum through soft tokens.
    "soft": Spelling(lambda _: "", "", "", re.compile(r"(?!)")),
}


@dataclass(frozen=True)
class FluxText:
    """Writes and reads the flux of one grid.

    Args:
        spelling: ``paper``, ``compact`` or ``soft``, which cannot be read.
        wavelength: of the pixels, vacuum Angstrom, as integers for the markers.
        marker_every: pixels between wavelength markers, 0 for none.
    """

    spelling: str
    wavelength: tuple[float, ...]
    marker_every: int = 0

    @cached_property
    def _markers(self) -> dict[int, str]:
        if not self.marker_every:
            return {}
        after = SPELLINGS[self.spelling].after_marker
        return {
            pixel: f"[{self.wavelength[pixel]:.0f}]{after}"
            for pixel in range(0, len(self.wavelength), self.marker_every)
        }

    def write(self, thousandths: np.ndarray) -> str:
        """Text of int16 thousandths, one per pixel."""
        spelling = SPELLINGS[self.spelling]
        if len(thousandths) != len(self.wavelength):
            raise ValueError(f"{len(thousandths)} values for {len(self.wavelength)} pixels")
        words = [spelling.words[value - LOWEST] for value in thousandths.tolist()]
        for pixel, marker in self._markers.items():
            words[pixel] = marker + words[pixel]
        return spelling.separator.join(words)

    def read(self, text: str) -> np.ndarray:
        """int16 thousandths, one per pixel.

        Raises:
            ParseError: the text is not exactly what :meth:`write` would have written.
        """
        spelling = SPELLINGS[self.spelling]
        words = spelling.pattern.findall(MARKER.sub("", text))
        values = [spelling.values.get(word) for word in words]
        if len(values) == len(self.wavelength) and None not in values:
            thousandths = np.array(values, np.int16)
            if self.write(thousandths) == text:
                return thousandths
        raise ParseError(self._first_fault(text))

    def _first_fault(self, text: str) -> str:
        """Position and content of the first fault of a text that cannot be read."""
        spelling = SPELLINGS[self.spelling]
        place = 0
        for pixel in range(len(self.wavelength)):
            lead = (spelling.separator if pixel else "") + self._markers.get(pixel, "")
            if not text.startswith(lead, place):
                return f"pixel {pixel}: {text[place : place + 12]!r} is not {lead!r}"
            place += len(lead)
            word = spelling.pattern.match(text, place)
            if not word or word[0] not in spelling.values:
                return f"pixel {pixel}: {text[place : place + 12]!r} is no flux value"
            place = word.end()
        return f"{text[place : place + 12]!r} after the last of {len(self.wavelength)} pixels"


@lru_cache(maxsize=8)
def _flux_text(spelling: str, wavelength: tuple[float, ...], marker_every: int) -> FluxText:
    return FluxText(spelling, wavelength, marker_every)


def flux_text(options: TextOptions, grid: np.ndarray) -> FluxText:
    """The flux text of a config for spectra on a grid, whose pixels are bins of the grid."""
    wavelength = bin_centres(grid, options.bin)
    return _flux_text(options.flux, tuple(wavelength.tolist()), options.marker_every)
