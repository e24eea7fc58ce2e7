"""Validation of the emulator: comparison of giants with bossbrain, and two figures."""

import pickletools
import zipfile

import matplotlib
import numpy as np
from scipy.ndimage import gaussian_filter1d
from synthesis import RESOLUTION, air_from_vacuum

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# fmt: off
BOSSBRAIN_LABELS = [
    "teff", "logg", "feh", "C", "N", "O", "Na", "Mg", "Al", "Si", "Ca", "Ti", "V", "Cr", "Mn", "Co",
    "Ni", "Sc", "Ba", "Ce", "Nd", "Zr",
]
# fmt: on
GIANTS = [
    # Teff, logg, [Fe/H], [X/Fe], and the bossbrain network
    (5400, 3.2, -0.2, {}, "4900-6000"),
    (5100, 2.6, -1.0, {"O": 0.3, "Mg": 0.3, "Si": 0.2, "Ca": 0.2, "Ti": 0.2}, "4900-6000"),
    (4800, 2.5, -0.2, {"C": -0.1, "N": 0.2}, "4000-5000"),
    (4500, 2.0, -0.5, {}, "4000-5000"),
    (4200, 1.4, 0.0, {}, "4000-5000"),
    (3900, 1.0, -0.2, {}, "3500-4200"),
]
CLASSES = {
    "A dwarf, 8500 K": (8500, 4.0, 0.0),
    "F dwarf, 6700 K": (6700, 4.2, 0.0),
    "G dwarf, 5777 K": (5777, 4.44, 0.0),
    "K dwarf, 4700 K": (4700, 4.6, 0.0),
    "M dwarf, 3600 K": (3600, 4.8, 0.0),
    "K giant, 4600 K": (4600, 2.4, 0.0),
    "K giant, 4700 K, [Fe/H] = -2": (4700, 1.6, -2.0),
    "M giant, 3700 K": (3700, 1.0, 0.0),
}
FEATURES = {  # vacuum wavelength, Angstrom
    "Ca K H": 3952,
    "Hδ": 4102.9,
    "CH": 4305,
    "Hβ": 4862.7,
    "Mg b": 5176,
    "Na D": 5893.6,
    "TiO": 6165,
    "Hα": 6564.6,
    "TiO ": 7060,
    "K": 7701,
    "Na": 8192,
    "Ca T": 8544.4,
}


def bossbrain_network(wheel, name):
    """Return the weights of a bossbrain network and the ranges of its labels, without torch.

    The pickle is scanned, not executed: its weights are raw arrays at the end of byte strings
    written by torch, in the order of the layers.
    """
    with zipfile.ZipFile(wheel) as archive:
        pickled = archive.read(f"bossbrain/data/ann_22pars_{name}.pkl")
    strings = [a for op, a, _ in pickletools.genops(pickled) if op.name.endswith("BINBYTES")]
    shapes = [(300, 22), (300,), (300, 300), (300,), (14001, 300), (14001,)]
    tensors = [s for s in strings if s.startswith(b"\x80\x02\x8a\nl\xfc\x9cF")]
    weights = [
        np.frombuffer(tensor[-4 * int(np.prod(shape)) :], "<f4").reshape(shape).astype(float)
        for tensor, shape in zip(tensors, shapes, strict=False)
    ]
    low, high = [np.frombuffer(s, "<f8") for s in strings if len(s) == 22 * 8][:2]
    return weights, low, high


def bossbrain_flux(wheel, name, teff, logg, feh, xfe, wavelength):
    """Return the flux of a giant from bossbrain, at R = 1800, on vacuum wavelengths."""
    weights, low, high = bossbrain_network(wheel, name)
    labels = [{"teff": teff, "logg": logg, "feh": feh, **xfe}.get(k, 0) for k in BOSSBRAIN_LABELS]
    x = (labels - low) / (high - low) - 0.5
    for matrix, offset in (weights[:2], weights[2:4]):
        x = matrix @ x + offset
        x = np.where(x > 0, x, 0.01 * x)
    flux = weights[4] @ x + weights[5]
    fine = np.exp(np.arange(np.log(3550), np.log(10400), 4e-5))
    flux = np.interp(fine, 3500 + 0.5 * np.arange(14001), flux)
    flux = gaussian_filter1d(flux, 1 / 4e-5 / RESOLUTION / np.sqrt(8 * np.log(2)))
    return np.interp(air_from_vacuum(wavelength), fine, flux)


def compare_with_bossbrain(emulator, wheel):
    """Print the differences from bossbrain for giants, 3800 to 9000 A.

    The flux of bossbrain is normalised by its continuum. The ratio of the two spectra is therefore
    first fitted with a polynomial in wavelength; differences are in units of bossbrain's continuum.
    """
    wavelength = emulator.wavelength
    use = (wavelength > 3800) & (wavelength < 9000)
    print("| Teff | logg | [Fe/H] | median difference | 3800-5000 A | 5000-9000 A | correlation |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for teff, logg, feh, xfe, name in GIANTS:
        theirs = bossbrain_flux(wheel, name, teff, logg, feh, xfe, wavelength)[use]
        ours = emulator.flux(teff, logg, feh, xfe)[use]
        ratio = np.polynomial.Chebyshev.fit(wavelength[use], np.log(ours / theirs), 8)
        ours /= np.exp(ratio(wavelength[use]))
        difference = abs(ours - theirs)
        blue = wavelength[use] < 5000
        print(
            f"| {teff} | {logg} | {feh} | {np.median(difference):.4f} "
            f"| {np.median(difference[blue]):.4f} | {np.median(difference[~blue]):.4f} "
            f"| {np.corrcoef(ours, theirs)[0, 1]:.4f} |"
        )


def plot_classes(emulator, path):
    """Plot the spectrum of one star per class, normalised by its maximum."""
    figure, axes = plt.subplots(len(CLASSES), sharex=True, figsize=(12, 14), layout="constrained")
    for axis, (title, star) in zip(axes, CLASSES.items(), strict=True):
        flux = emulator.flux(*star, {})
        axis.plot(emulator.wavelength, flux / flux.max(), lw=0.6, color="k")
        axis.set(ylim=(0, 1.08), xlim=emulator.wavelength[[0, -1]])
        axis.text(0.42, 0.06, title, transform=axis.transAxes, ha="center")
        for wavelength in FEATURES.values():
            axis.axvline(wavelength, color="tab:red", lw=0.4, alpha=0.5)
    for name, wavelength in FEATURES.items():
        axes[0].text(wavelength, 1.1, name, rotation=90, ha="center", va="bottom", fontsize=8)
    axes[-1].set_xlabel("vacuum wavelength (Å)")
    figure.supylabel("flux at the surface / maximum")
    figure.savefig(path, dpi=90)


def plot_responses(emulator, path):
    """Plot the relative change of flux for +0.2 dex of each element, for three stars."""
    stars = ["G dwarf, 5777 K", "K giant, 4600 K", "M dwarf, 3600 K"]
    figure, axes = plt.subplots(1, 3, sharey=True, figsize=(15, 14), layout="constrained")
    for axis, title in zip(axes, stars, strict=True):
        solar = emulator.flux(*CLASSES[title], {})
        for row, element in enumerate(emulator.labels[3:]):
            change = emulator.flux(*CLASSES[title], {element: 0.2}) / solar - 1
            axis.plot(emulator.wavelength, -row + np.clip(4 * change, -0.8, 0.8), lw=0.5, color="k")
        axis.set(title=title, xlabel="vacuum wavelength (Å)", xlim=emulator.wavelength[[0, -1]])
        axis.set_yticks(-np.arange(len(emulator.labels[3:])), emulator.labels[3:])
        axis.set_ylim(-len(emulator.labels[3:]), 1)
    figure.supylabel("change of flux for +0.2 dex; one row is 1/4 of the flux, cut at 1/5")
    figure.savefig(path, dpi=75)
