"""Stellar spectra of the mock sky: an emulator of LTE synthesis that needs only NumPy.

The weights are in ``resources/emulator/``, with a card that describes how they were made and where
they are valid. The code that makes them is in ``tools/emulator``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

WEIGHTS = Path(__file__).resolve().parents[3] / "resources" / "emulator" / "emulator.npz"
PARAMETERS = ("teff", "logg", "feh")
# fmt: off
ELEMENTS = (
    "C", "N", "O", "Na", "Mg", "Al", "Si", "P", "S", "K", "Ca", "Ti", "V", "Cr", "Mn", "Co", "Ni",
    "Cu", "Ce",
)
# fmt: on
SOLAR_O_OVER_C = 1.86  # by number (Grevesse, Asplund & Sauval 2007)
XFE_RANGE = (-0.5, 0.8)
# Above it, carbon would outnumber oxygen; the training set contains no such stars.
MAX_CARBON_OVER_OXYGEN = 0.2
BLEND = np.array([200.0, 0.3, 0.3])  # K, dex, dex: width of the transition at the edges of a region
STEP = np.array([2.0, 0.01, 0.01])  # K, dex, dex: steps of the central differences
BATCH = 512  # stars evaluated at a time, to limit the memory

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Region:
    """A part of the parameter space, with a polynomial for the logarithm of the flux."""

    boxes: Array
    """[boxes, 3, 2]; the region is the union of boxes, each with the minimum and maximum of Teff
    (K), logg (log10 of cm s-2) and [Fe/H] (dex)."""
    coefficients: Array
    """[monomials, components]"""
    basis: Array
    """[components, pixels]"""
    mean: Array
    """[pixels]"""

    def weight(self, parameters: Array) -> Array:
        """Weight of the region for stars [n, 3]: 0 outside, 1 in the interior [n]."""
        below = (parameters[:, None] - self.boxes[..., 0]) / BLEND
        above = (self.boxes[..., 1] - parameters[:, None]) / BLEND
        ramp = np.clip(np.minimum(below, above), 0, 1)
        inside = ((below >= 0) & (above >= 0)).all(axis=-1)
        # The small constant keeps the weight of a star on an outer edge above zero.
        smooth = (ramp**2 * (3 - 2 * ramp)).prod(axis=-1) + 1e-12
        return np.where(inside, smooth, 0.0).max(axis=-1)

    def log_flux(self, stars: Array, exponents: NDArray[np.int8]) -> Array:
        """Natural logarithm of the flux [n, pixels] of stars [n, 3 + elements]."""
        features = monomials(self.variables(stars), exponents)
        return features @ self.coefficients @ self.basis + self.mean

    def variables(self, stars: Array) -> Array:
        """Variables of the polynomial [n, 4 + elements] of stars [n, 3 + elements].

        They are 5040 K / Teff, logg and [Fe/H], scaled to -1 to 1 in the region; [X/Fe] in units
        of 0.35 dex; and an index of titanium oxide in units of 2 dex.
        """
        low, high = self.boxes[..., 0].min(axis=0), self.boxes[..., 1].max(axis=0)
        low[0], high[0] = 5040 / high[0], 5040 / low[0]
        parameters = np.column_stack([5040 / stars[:, 0], stars[:, 1:3]])
        scaled = (2 * parameters - low - high) / (high - low)
        return np.column_stack([scaled, stars[:, 3:] / 0.35, oxide_index(stars) / 2])


def oxide_index(stars: Array) -> Array:
    """Opacity of titanium oxide relative to the continuum (dex) [n], 0 where there is none.

    Titanium oxide forms from the oxygen that is not bound in carbon monoxide; its dissociation
    energy is 6.9 eV. The spectrum of an M star mostly depends on this one number, which polynomials
    of the labels approximate poorly.
    """
    carbon, oxygen, titanium = (stars[:, 3 + ELEMENTS.index(x)] for x in ("C", "O", "Ti"))
    free = (SOLAR_O_OVER_C * 10**oxygen - 10**carbon) / (SOLAR_O_OVER_C - 1)
    strength = 6.9 * (5040 / stars[:, 0] - 1.3) + 1.2 * stars[:, 2] + titanium + np.log10(free)
    return np.log10(1 + 10 ** (strength + 2))


def monomials(variables: Array, exponents: NDArray[np.int8]) -> Array:
    """Products of powers [n, monomials] of variables [n, d], with exponents [monomials, d]."""
    product = np.ones((len(variables), len(exponents)))
    for variable, powers in zip(variables.T, exponents.T, strict=True):
        for power in range(1, powers.max() + 1):
            product[:, powers >= power] *= variable[:, None]
    return product


class Emulator:
    """Spectra of A to M dwarfs and giants at R = 1800 from Teff, logg, [Fe/H] and [X/Fe].

    Examples:
        >>> emulator = Emulator.load()
        >>> sun = emulator.flux(5777, 4.44, 0.0, {})
        >>> clump = emulator.flux([4800, 4750], [2.5, 2.4], [-0.2, 0.1], {"Mg": [0.2, 0.0]})
    """

    labels = PARAMETERS + ELEMENTS
    """teff, logg, feh and the symbols of the elements, in the order of :meth:`gradient`."""

    def __init__(
        self, wavelength: Array, exponents: NDArray[np.int8], regions: Mapping[str, Region]
    ):
        self.wavelength = wavelength
        """[pixels]; vacuum wavelength in the rest frame of the star, Angstrom: LAMOST's grid with
        steps of 1e-4 in log10 from 3700 to 9100 A, and ten more pixels at each end."""
        self.exponents = exponents
        self.regions = dict(regions)

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> "Emulator":
        """Read the weights of the emulator.

        Raises:
            FileNotFoundError: The file of the weights does not exist.
        """
        with np.load(path, allow_pickle=False) as saved:
            regions = {
                name: Region(
                    *(
                        saved[f"{name}_{part}"].astype(float)
                        for part in ("boxes", "coefficients", "basis", "mean")
                    )
                )
                for name in saved["regions"].tolist()
            }
            return cls(saved["wavelength"], saved["exponents"], regions)

    def flux(
        self, teff: ArrayLike, logg: ArrayLike, feh: ArrayLike, xfe: Mapping[str, ArrayLike]
    ) -> Array:
        """The flux at the surface of stars; all arguments broadcast together to a shape [*s].

        Args:
            teff: Effective temperature (K).
            logg: log10 of the surface gravity (cm s-2).
            feh: [Fe/H] (dex).
            xfe: [X/Fe] (dex) by element symbol; 0 for other elements.

        Returns:
            Flux in erg s-1 cm-2 A-1, per unit of vacuum wavelength, on ``wavelength``, at R = 1800
            [*s, pixels].

        Raises:
            ValueError: An argument is outside the range of the training set; the message has the
                argument, its value and the range.
        """
        stars, shape = self._stars(teff, logg, feh, xfe)
        flux = np.empty((len(stars), len(self.wavelength)))
        for batch in self._batches(len(stars)):
            flux[batch] = np.exp(self._log_flux(stars[batch]))
        return flux.reshape(*shape, -1)

    def gradient(
        self, teff: ArrayLike, logg: ArrayLike, feh: ArrayLike, xfe: Mapping[str, ArrayLike]
    ) -> Array:
        """Derivatives of the flux by each of ``labels``, as central differences.

        [X/Fe] is constant, so the derivative by [Fe/H] changes all elements. Arguments and errors
        are those of :meth:`flux`.

        Returns:
            erg s-1 cm-2 A-1 per K (Teff) or per dex (all other labels) [*s, labels, pixels].
        """
        stars, shape = self._stars(teff, logg, feh, xfe)
        steps = np.append(STEP, np.full(len(ELEMENTS), STEP[-1]))
        gradient = np.empty((len(stars), len(steps), len(self.wavelength)))
        for batch in self._batches(len(stars)):
            for i, step in enumerate(np.diag(steps)):
                # At an outer edge of the ranges, the difference is one-sided.
                ends = [stars[batch] + side * step for side in (1, -1)]
                ends = [np.where(self._inside(end)[:, None], end, stars[batch]) for end in ends]
                up, down = (np.exp(self._log_flux(end)) for end in ends)
                gradient[batch, i] = (up - down) / (ends[0] - ends[1])[:, i, None]
        return gradient.reshape(*shape, *gradient.shape[1:])

    def _batches(self, number: int) -> Iterator[slice]:
        return (slice(first, first + BATCH) for first in range(0, number, BATCH))

    def _stars(
        self, teff: ArrayLike, logg: ArrayLike, feh: ArrayLike, xfe: Mapping[str, ArrayLike]
    ) -> tuple[Array, tuple[int, ...]]:
        """Labels [n, labels] of stars, after checks, and the common shape of the arguments."""
        unknown = sorted(set(xfe) - set(ELEMENTS))
        if unknown:
            raise ValueError(f"no element {unknown[0]!r}; there are {', '.join(ELEMENTS)}")
        labels = [teff, logg, feh, *(xfe.get(element, 0.0) for element in ELEMENTS)]
        columns = np.broadcast_arrays(*(np.asarray(label, float) for label in labels))
        stars = np.stack([column.ravel() for column in columns], axis=1)
        self._check(stars)
        return stars, columns[0].shape

    def _check(self, stars: Array) -> None:
        xfe = stars[:, len(PARAMETERS) :]
        low, high = XFE_RANGE
        # In this form, the condition is also true for NaN.
        for star, i in np.argwhere(~((xfe >= low) & (xfe <= high)))[:1]:
            raise ValueError(
                f"[{ELEMENTS[i]}/Fe] = {xfe[star, i]:g} is outside {low:g} .. {high:g}"
            )
        ratio = xfe[:, ELEMENTS.index("C")] - xfe[:, ELEMENTS.index("O")]
        if (ratio > MAX_CARBON_OVER_OXYGEN + 1e-9).any():
            raise ValueError(
                f"[C/Fe] - [O/Fe] = {ratio.max():g} is above {MAX_CARBON_OVER_OXYGEN:g}"
            )
        for star in stars[~self._inside(stars)][:1, : len(PARAMETERS)]:
            bounds = np.concatenate([region.boxes for region in self.regions.values()])
            outside = ~((star >= bounds[..., 0]) & (star <= bounds[..., 1]))
            distance = np.maximum(bounds[..., 0] - star, star - bounds[..., 1]) / BLEND
            nearest = np.where(outside, distance, 0).sum(axis=1).argmin()
            i = outside[nearest].argmax()
            low, high = bounds[nearest, i]
            others = ", ".join(f"{PARAMETERS[k]} = {star[k]:g}" for k in range(len(star)) if k != i)
            raise ValueError(
                f"{PARAMETERS[i]} = {star[i]:g} is outside {low:g} .. {high:g} (at {others})"
            )

    def _weights(self, stars: Array) -> Array:
        """Weights of the regions [regions, n], not normalised."""
        parameters = stars[:, : len(PARAMETERS)]
        return np.array([region.weight(parameters) for region in self.regions.values()])

    def _inside(self, stars: Array) -> NDArray[np.bool_]:
        """Whether stars are in any region [n]."""
        return self._weights(stars).max(axis=0) > 0

    def _log_flux(self, stars: Array) -> Array:
        weights = self._weights(stars)
        weights /= weights.sum(axis=0)
        total = np.zeros((len(stars), len(self.wavelength)))
        for region, weight in zip(self.regions.values(), weights, strict=True):
            part = weight > 0
            total[part] += weight[part, None] * region.log_flux(stars[part], self.exponents)
        return total
