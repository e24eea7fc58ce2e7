"""What a run was trained on, in few numbers: how far from it a spectrum or a label is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from spectralm.files import atomic
from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS, Label

FILE = "training_domain.safetensors"

#: Labels in the order of the ranges.
LABELS = (*PARAMETERS, *ABUNDANCES)


@dataclass(frozen=True)
class TrainingDomain:
    """Principal components of training spectra, ranges of labels, thresholds; all float64.

    The thresholds are quantiles of the validation spectra (of the training spectra where there
    are none): 99 % of them are nearer, less masked, or have more signal.
    """

    mean: np.ndarray
    """[grid] thousandths of flux."""
    components: np.ndarray
    """[components, grid]; orthonormal."""
    variances: np.ndarray
    """[components], along each."""
    noise: np.ndarray
    """[1]; mean variance along each of the other directions."""
    low: np.ndarray
    """[labels] of LABELS; NaN where the survey has no such label."""
    high: np.ndarray
    farthest: np.ndarray
    """[1] threshold of :meth:`distance`."""
    least_snr: np.ndarray
    """[1] threshold of the signal-to-noise ratio in r."""
    most_masked: np.ndarray
    """[1] threshold of the masked fraction."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote."""
        return cls(**load_file(path))

    def save(self, path: Path) -> None:
        """Write it, atomically."""
        with atomic(path) as temporary:
            save_file(vars(self), temporary)

    def distance(self, thousandths: np.ndarray) -> np.ndarray:
        """Distance [n] of spectra [n, grid] from the training set, per pixel: about 1 within it.

        The square is that of Mahalanobis in the model of probabilistic principal components
        (Tipping & Bishop 1999, J. R. Stat. Soc. B 61, 611): along each component in units of its
        variance, and the rest in units of the mean variance there; over the number of pixels.
        """
        centred = thousandths - self.mean
        along = centred @ self.components.T
        rest = np.square(centred).sum(axis=1) - np.square(along).sum(axis=1)
        squares = (np.square(along) / self.variances).sum(axis=1) + rest / self.noise
        return np.sqrt(np.maximum(squares, 0) / self.mean.size)

    def outside(self, label: Label, values: np.ndarray) -> np.ndarray:
        """Which values [n] of a label are outside the training stars' range; NaN is not."""
        place = LABELS.index(label)
        return (values < self.low[place]) | (values > self.high[place])
