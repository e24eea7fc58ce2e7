"""How well a spectrum can tell its star's labels: Cramer-Rao bounds."""

import numpy as np

from spectralm.mock.emulator import Array
from spectralm.mock.instrument import WAVELENGTH

CONTINUUM_TERMS = 6  # in each arm
JOIN = 5900
#: A label whose bound is above this (dex) leaves no trace in the spectrum.
NOTHING = 1e4


def nuisances(flux: Array) -> Array:
    """Derivatives [n, terms, pixels] of spectra [n, pixels] by what the labels do not decide.

    Six continuum terms in each arm (flux calibration, reddening), the radial velocity and the
    width of the lines (fibre, rotation).
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
    """The smallest standard deviation of any unbiased estimate of each label [n, labels].

    All labels are free at once, and so are the :func:`nuisances`; noise is independent from pixel
    to pixel. Infinite where the spectrum says nothing.

    Args:
        gradient: of the flux by each label, as observed without noise [n, labels, pixels].
        flux: the same without noise [n, pixels].
        ivar: inverse variance, 0 in pixels that are not used [n, pixels].
    """
    jacobian = np.concatenate([gradient, nuisances(flux)], axis=1) * np.sqrt(ivar)[:, None]
    norm = np.sqrt((jacobian**2).sum(axis=-1))
    told = norm > 0
    jacobian /= np.where(told, norm, 1)[..., None]
    fisher = jacobian @ jacobian.transpose(0, 2, 1)
    diagonal = np.arange(fisher.shape[1])
    fisher[:, diagonal, diagonal] += np.where(told, 1e-12, 1)
    variance = np.diagonal(np.linalg.inv(fisher), axis1=1, axis2=2)
    sigma = np.sqrt(np.maximum(variance, 1)) / np.where(told, norm, np.nan)
    labels = gradient.shape[1]
    sigma = sigma[:, :labels]
    return np.where(told[:, :labels] & (sigma < NOTHING), sigma, np.inf)
