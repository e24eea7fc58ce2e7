"""Simulation of LAMOST's low-resolution spectrographs.

Numbers without a source were measured on real files of DR10 (docs/survey_files.md).
Arrays are [..., pixels]; wavelengths are in vacuum, in Angstrom.
"""

from dataclasses import dataclass

import numpy as np

from spectralm.mock.emulator import Array

PIXELS = 3909
WAVELENGTH: Array = np.power(10, 3.5682 + 1e-4 * np.arange(PIXELS))
PIXEL_VELOCITY = 299792.458 * 1e-4 * np.log(10)  # km/s
MARGIN = 10  # additional pixels of the emulator at each end
LIGHT = 299792.458  # km/s
EMULATOR_RESOLUTION = 1800
#: Standard deviation of a rotational profile with limb darkening 0.6, in units of v sin i.
ROTATION_WIDTH = 0.47
FWHM = 2.3548

#: Photons per unit of flux and pixel in each arm, relative to the maximum of the blue arm.
# fmt: off
BLUE = np.interp(
    WAVELENGTH,
    [3700, 3750, 3800, 3900, 4000, 4100, 4200, 4400, 4600, 4800, 5000, 5200, 5550, 5700, 5800,
     5850, 5880, 5910, 5960, 6000],
    [.036, .06, .09, .16, .25, .31, .39, .51, .71, .90, .99, 1.04, 1.0, .92, .80, .62, .45, .25,
     .08, 0],
)
RED = np.interp(
    WAVELENGTH,
    [5700, 5800, 5850, 5880, 5910, 5950, 6000, 6100, 6300, 6500, 6800, 7100, 7500, 8000, 8300,
     8600, 9000, 9100],
    [0, .04, .12, .22, .45, 1.05, 1.51, 1.83, 2.1, 2.65, 3.35, 3.75, 3.95, 3.5, 2.9, 2.6, 1.75,
     1.6],
)
#: Lines of the night sky: wavelength, and peak in units of the sky's continuum. Lines redder than
#: 7200 A represent the OH bands.
SKY_LINES = [
    (4047.8, 2), (4359.6, 4), (5462.3, 4), (5578.9, 55), (5891.6, 6), (5897.6, 4), (6302.0, 28),
    (6365.5, 10), (6834.0, 4), (6865.7, 6), (6925.0, 4), (7246.5, 5), (7278.3, 7), (7286.3, 5),
    (7318.0, 9), (7331.6, 7), (7342.9, 10), (7371.5, 7), (7403.8, 4), (7526.0, 3), (7717.0, 3),
    (7752.8, 8), (7796.5, 12), (7810.0, 5), (7823.5, 12), (7843.5, 6), (7855.5, 4), (7915.8, 10),
    (7923.5, 4), (7951.0, 5), (7966.9, 12), (7995.8, 14), (8016.0, 8), (8027.9, 9), (8064.5, 5),
    (8290.6, 6), (8301.0, 5), (8313.0, 5), (8346.9, 16), (8355.0, 5), (8384.9, 12), (8401.8, 22),
    (8417.5, 9), (8432.5, 22), (8454.7, 9), (8467.7, 18), (8496.1, 6), (8507.1, 12), (8541.0, 4),
    (8551.0, 4), (8763.0, 5), (8770.0, 9), (8780.4, 22), (8793.6, 22), (8810.0, 4), (8829.7, 22),
    (8838.0, 8), (8852.3, 20), (8870.0, 9), (8888.3, 22), (8905.6, 20), (8922.1, 18), (8945.9, 15),
    (8960.6, 22), (8991.0, 14), (9004.0, 9), (9022.0, 6), (9040.6, 7), (9052.4, 12), (9076.0, 6),
]
# fmt: on
SKY_MAGNITUDE = 17.6  # Gaia G of the sky's continuum in a fibre


@dataclass(frozen=True)
class Spectra:
    """Pixel data of LAMOST files; arrays are [spectra, pixels]."""

    flux: Array
    ivar: Array
    andmask: np.ndarray
    ormask: np.ndarray


def observed_frame(flux: Array, velocity: Array, broadening: Array) -> Array:
    """Doppler-shift and broaden spectra: [n, ..., pixels + 2 margins] -> [n, ..., pixels].

    Args:
        flux: Flux on the emulator's grid.
        velocity: Heliocentric velocity, km/s [n].
        broadening: Standard deviation of a Gaussian, km/s [n].
    """
    size = 1 << (flux.shape[-1] + 4 * MARGIN - 1).bit_length()
    before = (size - flux.shape[-1]) // 2
    widths = [(0, 0)] * (flux.ndim - 1) + [(before, size - flux.shape[-1] - before)]
    padded = np.pad(flux, widths, mode="edge")
    frequency = 2 * np.pi * np.fft.rfftfreq(size)
    extra = (1,) * (flux.ndim - 1)
    shift = (velocity / PIXEL_VELOCITY).reshape(-1, *extra)
    sigma = (broadening / PIXEL_VELOCITY).reshape(-1, *extra)
    transfer = np.exp(-0.5 * (sigma * frequency) ** 2 - 1j * shift * frequency)
    first = before + MARGIN
    return np.fft.irfft(np.fft.rfft(padded) * transfer, size)[..., first : first + PIXELS]


def broadening(resolution: Array, vsini: Array) -> Array:
    """Standard deviation (km/s) of the additional line broadening by fibre and rotation."""
    fibre = (LIGHT / FWHM) ** 2 * (resolution**-2 - EMULATOR_RESOLUTION**-2)
    return np.sqrt(np.maximum(fibre, 0) + (ROTATION_WIDTH * vsini) ** 2)


def extinction(wavelength: Array) -> Array:
    """A(wavelength) / E(B-V) for R_V = 3.1 (O'Donnell 1994, ApJ 422, 158), 3300 to 9100 A."""
    y = 1e4 / wavelength - 1.82
    a = np.polyval([-0.505, 1.647, -0.827, -1.718, 1.137, 0.701, -0.609, 0.104, 1], y)
    b = np.polyval([3.347, -10.805, 5.491, 11.102, -7.985, -3.989, 2.908, 1.952, 0], y)
    return 3.1 * a + b


def draw_calibration(number: int, rng: np.random.Generator) -> Array:
    """Random errors of the flux calibration, as factors [number, pixels].

    Each arm has its own level, slope and curvature, so there is a step where they meet. There,
    where the sensitivity of one arm is low, many spectra also have a bump or a dip.
    """
    arms = []
    for blue, red in ((3700, 5900), (5900, 9100)):
        x = (2 * WAVELENGTH - blue - red) / (red - blue)
        level, slope, curve = rng.normal(0, [[0.025], [0.06], [0.03]], (3, number))
        arms.append(np.exp(level[:, None] + slope[:, None] * x + curve[:, None] * (x**2 - 1 / 3)))
    bump = rng.normal(0, 0.09, number) * (rng.random(number) < 0.35)
    arms[1] *= 1 + bump[:, None] * np.exp(-0.5 * ((WAVELENGTH - 5950) / 45) ** 2)
    return (BLUE * arms[0] + RED * arms[1]) / (BLUE + RED)


def sky_spectrum() -> Array:
    """Flux of the night sky in units of its continuum [pixels]."""
    sigma = WAVELENGTH / (EMULATOR_RESOLUTION * FWHM)
    lines = np.zeros(PIXELS)
    for centre, peak in SKY_LINES:
        lines += peak * np.exp(-0.5 * ((WAVELENGTH - centre) / sigma) ** 2)
    return 1 + lines


SKY = sky_spectrum()


def expose(
    flux: Array, photons: Array, sky: Array, calibration: Array, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Simulate observations.

    Args:
        flux: Flux of the star above the Earth's atmosphere, without noise, any unit [n, pixels].
        photons: Photons per unit of flux and pixel at the maximum of the blue arm [n].
        sky: Continuum of the sky, in the unit of ``flux`` [n].
        calibration: Factor of the error of the flux calibration [n, pixels].
        rng: The generator of random numbers.

    Returns:
        Flux and inverse variance as the pipeline would give them [n, pixels].
    """
    throughput = photons[:, None] * (BLUE + RED)
    sky = sky[:, None] * SKY
    # A readout noise of four electrons per pixel and arm is equivalent to sixteen more photons.
    sigma = np.sqrt((np.maximum(flux, 0) + sky + 16 / throughput) / throughput)
    residual = sky * (SKY - 1) * _patches(len(flux), rng)
    # The oxygen band is corrected for the mean airmass of the standard stars, so imperfectly.
    band = np.exp(-0.5 * ((WAVELENGTH - 7616) / 12) ** 2)
    telluric = 1 + rng.normal(0, 0.03, (len(flux), 1)) * band
    noisy = flux * telluric + residual + sigma * rng.normal(size=flux.shape)
    return noisy * calibration, 1 / (sigma * calibration) ** 2


def _patches(number: int, rng: np.random.Generator) -> Array:
    """Residual fraction of the sky's lines: typically 0.2 %, equal in groups of three pixels."""
    length = 3
    parts = 0.002 * rng.normal(size=(number, -(-PIXELS // length)))
    parts *= np.exp(rng.normal(0, 0.9, (number, 1)))
    return np.repeat(parts, length, axis=1)[:, :PIXELS]


def signal_to_noise(spectra: Spectra) -> dict[str, Array]:
    """Median S/N per pixel in the bands u, g, r, i, z [spectra]; -9999 without good pixels."""
    ratio = np.where(spectra.ivar > 0, spectra.flux * np.sqrt(spectra.ivar), np.nan)
    result = {}
    for band, (blue, red) in BANDS.items():
        inside = ratio[:, (blue < WAVELENGTH) & (red > WAVELENGTH)]
        good = np.isfinite(inside).sum(axis=1) > inside.shape[1] / 2
        result[band] = np.full(len(ratio), -9999.0)
        result[band][good] = np.clip(np.nanmedian(inside[good], axis=1), 0, 999).round(2)
    return result


BANDS = {
    "u": (3700, 3900),
    "g": (3980, 5490),
    "r": (5620, 6890),
    "i": (6890, 8180),
    "z": (8180, 9100),
}
