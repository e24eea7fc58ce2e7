"""Random changes of training spectra, as other exposures of the same stars would have them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy.constants import c
from scipy.ndimage import gaussian_filter1d

from spectralm.language.flux import HIGHEST, LOWEST, FluxText
from spectralm.language.questions import Question, read_question, write_question
from spectralm.llm.options import AugmentationOptions
from spectralm.spectra.pixels import normalised

LIGHT = c.to_value("km/s")
#: Points between which the factor of ``gain`` is a straight line.
KNOTS = 12
#: Longest masked run of ``gaps``, pixels.
LONGEST_GAP = 60


@dataclass(frozen=True)
class Augmentation:
    """Changes spectra as the options say.

    The changes depend only on options, seed, epoch and obsid, so that a resumed training gets the
    same ones.

    Args:
        options: their sizes.
        seed: of the training.
        text: of the questions; its wavelengths are those of the pixels.
    """

    options: AugmentationOptions
    seed: int
    text: FluxText

    def question(self, question: Question, epoch: int) -> str:
        """The text of a question about the changed spectrum."""
        thousandths = read_question(question.text, self.text, question.asked)
        spectrum = np.stack([normalised(thousandths), np.zeros(len(thousandths), np.float32)])
        flux, _ = self.spectrum(spectrum, question.obsid, epoch)
        changed = np.clip(np.rint(flux * 1000), LOWEST, HIGHEST).astype(np.int16)
        return write_question(changed, self.text, question.asked)

    def spectrum(self, spectrum: np.ndarray, obsid: int, epoch: int) -> np.ndarray:
        """The changed flux and mask, float32 [2, pixels], of flux and mask [2, pixels]."""
        random = np.random.default_rng([self.seed, epoch, abs(obsid)])
        options, (flux, masked) = self.options, spectrum
        if options.velocity:
            factor = 1 + random.uniform(-options.velocity, options.velocity) / LIGHT
            seen = self._wavelength / factor
            flux, masked = (np.interp(seen, self._wavelength, part) for part in (flux, masked))
        if options.blur:
            step = self._wavelength[1] - self._wavelength[0]
            sigma = random.uniform(0, options.blur) / step
            flux = gaussian_filter1d(flux, sigma, mode="nearest", truncate=3)
        if options.gain:
            factors = 1 + options.gain * random.standard_normal(KNOTS)
            flux = flux * np.interp(self._wavelength, self._knots, factors)
        if options.noise:
            level = random.uniform(0, options.noise) * abs(flux.mean())
            flux = flux + level * random.standard_normal(len(flux), np.float32)
        for _ in range(random.poisson(options.gaps)):
            flux, masked = _with_gap(flux, masked, random)
        changed = np.empty_like(spectrum)
        changed[0], changed[1] = flux, masked >= 0.5
        return changed

    @cached_property
    def _wavelength(self) -> np.ndarray:
        return np.array(self.text.wavelength)

    @cached_property
    def _knots(self) -> np.ndarray:
        return np.linspace(self._wavelength[0], self._wavelength[-1], KNOTS)


def _with_gap(
    flux: np.ndarray, masked: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    start = int(random.integers(1, len(flux) - 1))
    stop = min(start + int(random.integers(1, LONGEST_GAP + 1)), len(flux) - 1)
    flux, masked = flux.copy(), masked.copy()
    flux[start - 1 : stop + 1] = np.linspace(flux[start - 1], flux[stop], stop - start + 2)
    masked[start:stop] = 1
    return flux, masked
