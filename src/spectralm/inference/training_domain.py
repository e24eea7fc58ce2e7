"""The training domain of a run: which spectra and labels it was trained on, in few numbers."""

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
    """Principal components of the training spectra, ranges of labels, and thresholds; float64.

    The thresholds are quantiles of the validation spectra (of the training spectra if there are
    none): 99 % of them are nearer, are less masked, or have a higher signal-to-noise ratio.
    """

    mean: np.ndarray
    """[grid]; mean flux in thousandths."""
    components: np.ndarray
    """[components, grid]; principal components, orthonormal."""
    variances: np.ndarray
    """[components]; variance along each component."""
    noise: np.ndarray
    """[1]; mean variance along the directions orthogonal to the components."""
    low: np.ndarray
    """[labels]; minimum of each of LABELS, NaN if the model does not predict it."""
    high: np.ndarray
    """[labels]; maximum."""
    farthest: np.ndarray
    """[1]; threshold of :meth:`distance`."""
    least_snr: np.ndarray
    """[1]; threshold of the signal-to-noise ratio in r."""
    most_masked: np.ndarray
    """[1]; threshold of the masked fraction."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file that :meth:`save` wrote."""
        return cls(**load_file(path))

    def save(self, path: Path) -> None:
        """Write the domain as safetensors."""
        with atomic(path) as temporary:
            save_file(vars(self), temporary)

    def distance(self, thousandths: np.ndarray) -> np.ndarray:
        """Distance [n] of spectra [n, grid] from the mean training spectrum; typically about 1.

        The Mahalanobis distance in probabilistic principal component analysis (Tipping & Bishop
        1999, J. R. Stat. Soc. B 61, 611), divided by the square root of the number of pixels.
        """
        centred = thousandths - self.mean
        along = centred @ self.components.T
        rest = np.square(centred).sum(axis=1) - np.square(along).sum(axis=1)
        squares = (np.square(along) / self.variances).sum(axis=1) + rest / self.noise
        return np.sqrt(np.maximum(squares, 0) / self.mean.size)

    def outside(self, label: Label, values: np.ndarray) -> np.ndarray:
        """Whether values [n] of a label are outside the range of the training stars; NaN is not."""
        index = LABELS.index(label)
        return (values < self.low[index]) | (values > self.high[index])
