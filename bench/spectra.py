"""CPU time of ``spectralm.spectra`` and of a loop with astropy and SciPy, on the same real files.

    python bench/spectra.py FOLDER [--most 400] [--repeats 3]

The loop reads with ``fits.open`` and resamples with ``interp1d(kind="cubic")``, and writes nothing.
``spectralm.spectra`` reads, resamples, sets flags and writes Parquet. The two alternate, and the
shortest time of each is reported. Every array that is read, and every value on the grid of a
spectrum without a long gap, is compared.
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.io import fits
from scipy.interpolate import interp1d

from spectralm.errors import InputError
from spectralm.spectra.flags import LONG_GAP
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.pixels import Pixels
from spectralm.spectra.reader import read_spectrum
from spectralm.spectra.shards import resample_manifest, write_spectra

OPTIONS = SpectraOptions(largest_masked_fraction=1.0)


def plain_read(path: Path) -> tuple[np.ndarray, ...]:
    """Read flux, wavelength and ORMASK with astropy."""
    with fits.open(path) as hdus:
        image = hdus[0].data
        if image is None:
            row = hdus[1].data[0]
            return row["FLUX"], row["WAVELENGTH"], row["ORMASK"]
        wavelength = image[2]
        if np.any(np.diff(wavelength) <= 0):
            header = hdus[0].header
            wavelength = 10 ** (header["COEFF0"] + header["COEFF1"] * np.arange(image.shape[1]))
        return image[0].copy(), wavelength.copy(), image[4].copy()


def plain_resample(path: Path) -> np.ndarray:
    """Resample one spectrum as the paper describes, with SciPy."""
    flux, wavelength, ormask = plain_read(path)
    good = ormask == 0
    flux, wavelength = flux[good].astype(float), wavelength[good].astype(float)
    ends = flux[0] / flux.max(), flux[-1] / flux.max()
    spline = interp1d(
        wavelength, flux / flux.max(), kind="cubic", bounds_error=False, fill_value=ends
    )
    return np.round(spline(OPTIONS.grid), 3)


def plain_loop(paths: list[Path]) -> np.ndarray:
    """Flux on the grid [paths, grid]."""
    return np.stack([plain_resample(path) for path in paths])


def our_loop(manifest: pa.Table, out: Path) -> pa.Table:
    """The same by ``spectralm.spectra``, including writing Parquet."""
    table, rejects = resample_manifest(manifest, OPTIONS)
    assert not rejects, rejects
    write_spectra(out, table, OPTIONS)
    return table


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU time of one call, for all threads."""
    start = time.process_time()
    work()
    return time.process_time() - start


def low_resolution(folder: Path, most: int) -> list[Path]:
    """The first ``most`` files below ``folder`` that are LAMOST low-resolution spectra."""
    found = []
    for path in sorted([*folder.rglob("*.fits"), *folder.rglob("*.fits.gz")]):
        try:
            read_spectrum(path)
        except InputError:
            continue
        found.append(path)
    return found[:most]


def differing_arrays(paths: list[Path]) -> int:
    """Number of files whose flux, wavelength or ORMASK differs from that of ``fits.open``."""
    spectra = [read_spectrum(path) for path in paths]
    return sum(
        not all(map(np.array_equal, plain_read(path), (s.flux, s.wavelength, s.ormask)))
        for path, s in zip(paths, spectra, strict=True)
    )


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    paths = low_resolution(given.folder, given.most)
    missing = pa.nulls(len(paths), pa.float64())
    manifest = pa.table(
        {
            "obsid": pa.array([read_spectrum(path).obsid or 0 for path in paths]),
            "path": [str(path) for path in paths],
            **dict.fromkeys(("z", "snrg", "snrr", "snri"), missing),
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "spectra.parquet"
        plain, ours = [], []
        for _ in range(given.repeats):
            plain.append(cpu_seconds(lambda: plain_loop(paths)))
            ours.append(cpu_seconds(lambda: our_loop(manifest, out)))
        size = out.stat().st_size / len(paths)
        table = our_loop(manifest, out)
    short = table["flags"].to_numpy() & LONG_GAP.value == 0
    expected = plain_loop(paths)
    # Values on the grid are compared as thousandths; -0.0 and 0.0 are the same.
    unequal = np.rint(expected * 1000) != Pixels.of(table).flux
    print(f"{len(paths)} files, {platform.processor() or platform.machine()}, ", end="")
    print(f"{os.cpu_count()} cores, best of {given.repeats}, CPU time\n")
    print("| | spectra per second and core | ratio |\n|---|---|---|")
    print(f"| astropy + interp1d, nothing written | {len(paths) / min(plain):.0f} | 1 |")
    ratio = min(plain) / min(ours)
    print(f"| spectra, Parquet written | {len(paths) / min(ours):.0f} | {ratio:.1f} |\n")
    print(f"Parquet: {size:.0f} bytes a spectrum.")
    print(f"Files whose arrays differ from fits.open: {differing_arrays(paths)}.")
    print(f"Values that differ on the grid, {short.sum()} spectra without a long gap: ", end="")
    print(f"{unequal[short].sum()} of {unequal[short].size}.")


if __name__ == "__main__":
    main()
