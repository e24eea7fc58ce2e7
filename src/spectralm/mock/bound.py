"""How precisely labels can be measured from a spectrum: Cramer-Rao bounds."""

import numpy as np

from spectralm.mock.emulator import Array
from spectralm.mock.instrument import WAVELENGTH

CONTINUUM_TERMS = 6  # in each arm
JOIN = 5900
#: If the bound of a label is above this (dex), the spectrum does not depend on the label.
UNCONSTRAINED = 1e4


def nuisances(flux: Array) -> Array:
    """Derivatives [n, terms, pixels] of spectra [n, pixels] by nuisance parameters.

    These are six continuum terms in each arm (flux calibration, reddening), the radial velocity,
    and the width of the lines (fibre, rotation).
    """
    terms = []
    for blue, red in ((WAVELENGTH[0], JOIN), (JOIN, WAVELENGTH[-1])):
        inside = (blue <= WAVELENGTH) & (red >= WAVELENGTH)
        x = np.clip((2 * WAVELENGTH - blue - red) / (red - blue), -1, 1)
        terms.append(np.polynomial.chebyshev.chebvander(x, CONTINUUM_TERMS - 1).T * inside)
    slope = np.gradient(flux, axis=-1)
    lines = np.stack([slope, np.gradient(slope, axis=-1)], axis=1)
    return np.concatenate([np.concatenate(terms) * flux[:, None], lines], axis=1)


def bounds(gradient: Array, flux: Array, ivar: Array) -> Array:
    """The smallest standard deviation of an unbiased estimate of each label [n, labels].

    All labels and the :func:`nuisances` are free at the same time; noise is independent from pixel
    to pixel. Infinite if the spectrum does not depend on the label.

    Args:
        gradient: Derivatives of the observed flux by the labels, without noise
            [n, labels, pixels].
        flux: Observed flux without noise [n, pixels].
        ivar: Inverse variance, 0 in pixels that are not used [n, pixels].
    """
    jacobian = np.concatenate([gradient, nuisances(flux)], axis=1) * np.sqrt(ivar)[:, None]
    norm = np.sqrt((jacobian**2).sum(axis=-1))
    nonzero = norm > 0
    jacobian /= np.where(nonzero, norm, 1)[..., None]
    fisher = jacobian @ jacobian.transpose(0, 2, 1)
    diagonal = np.arange(fisher.shape[1])
    fisher[:, diagonal, diagonal] += np.where(nonzero, 1e-12, 1)
    variance = np.diagonal(np.linalg.inv(fisher), axis1=1, axis2=2)
    sigma = np.sqrt(np.maximum(variance, 1)) / np.where(nonzero, norm, np.nan)
    labels = gradient.shape[1]
    sigma = sigma[:, :labels]
    return np.where(nonzero[:, :labels] & (sigma < UNCONSTRAINED), sigma, np.inf)
