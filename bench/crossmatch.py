"""Time and memory of a crossmatch of large surveys, compared with astropy's nearest neighbours.

    nice -n 19 python bench/crossmatch.py [--spectra 1000000] [--stars 500000]

The sky is random: 1.25 spectra a star, a third of the survey's stars are LAMOST's, half of all
stars have Gaia ids, and half of the survey's ids are of DR3. Our time includes making all tables:
labels, ids, text and rejects. Astropy only finds the nearest neighbours in both directions
(``SkyCoord.match_to_catalog_sky``).
"""

import argparse
import os
import resource
import time

import astropy.units as u
import numpy as np
import pyarrow as pa
from astropy.coordinates import SkyCoord

from spectralm.schemas import CATALOGUE, STARS, schema
from spectralm.surveys.crossmatch import crossmatch
from spectralm.surveys.options import CrossmatchOptions

OVERLAP, WITH_ID = 1 / 3, 0.5


def sky(spectra: int, stars: int, rng: np.random.Generator) -> tuple[pa.Table, pa.Table]:
    """LAMOST's catalogue and a survey's stars."""
    targets = round(spectra / 1.25)
    shared = round(stars * OVERLAP)
    ra = rng.uniform(0, 360, targets + stars - shared)
    dec = np.degrees(np.arcsin(rng.uniform(-0.2, 0.95, ra.size)))
    ids = 128 * np.sort(rng.choice(10**12, ra.size, replace=False)) + 10**17
    gmag = rng.uniform(9, 18, ra.size)
    with_id = rng.random(ra.size) < WITH_ID
    gaia = pa.array(ids, mask=~with_id).cast(pa.string())
    star = np.append(np.arange(targets), rng.integers(targets, size=spectra - targets))
    lamost = {field.name: pa.nulls(spectra, field.type) for field in schema(CATALOGUE)}
    lamost |= {
        "obsid": pa.array(rng.permutation(spectra)),
        "path": pa.array(
            [f"/data/lamost/dr11/20191226/spec-{n:09d}.fits.gz" for n in range(spectra)]
        ),
        "star_id": pa.array(ids[star]).cast(pa.string()),
        "ra": pa.array(ra[star]),
        "dec": pa.array(dec[star]),
        "gaia_source_id": gaia.take(pa.array(star)),
        "gmag": pa.array(gmag[star]),
    }
    lamost |= {name: pa.array(rng.normal(size=spectra)) for name in ("teff", "logg", "feh", "snrr")}
    theirs = np.arange(targets - shared, targets - shared + stars)
    survey = {field.name: pa.array(rng.normal(size=stars)) for field in schema(STARS)}
    survey |= {
        "survey_id": pa.array([f"2M{number:016d}" for number in theirs.tolist()]),
        "ra": pa.array(ra[theirs] + rng.normal(0, 3e-5, stars)),
        "dec": pa.array(dec[theirs]),
        "epoch": pa.array(np.full(stars, 2000.0)),
        "gaia_source_id": gaia.take(pa.array(theirs)),
        "gaia_release": pa.array(np.where(rng.random(stars) < 0.5, "DR3", "DR2")),
        "gmag": pa.array(gmag[theirs]),
    }
    return pa.table(lamost).cast(schema(CATALOGUE)), pa.table(survey).cast(schema(STARS))


def mutual_nearest(lamost: pa.Table, survey: pa.Table, radius: float) -> int:
    """Number of pairs of mutual nearest neighbours within the radius (arcsec), by astropy."""
    ours, theirs = (
        SkyCoord(t["ra"].to_numpy() * u.deg, t["dec"].to_numpy() * u.deg) for t in (lamost, survey)
    )
    there, apart, _ = theirs.match_to_catalog_sky(ours)
    back, _, _ = ours.match_to_catalog_sky(theirs)
    mutual = back[there] == np.arange(len(theirs))
    return int((mutual & (apart.arcsec < radius)).sum())


def peak() -> float:
    """The largest memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--spectra", type=int, default=1_000_000)
    parser.add_argument("--stars", type=int, default=500_000)
    given = parser.parse_args()
    lamost, survey = sky(given.spectra, given.stars, np.random.default_rng(0))
    rows = [("tables made", 0.0, 0.0, peak(), "")]
    works = {
        "crossmatch": lambda: crossmatch(lamost, survey, CrossmatchOptions()).catalogue.num_rows,
        "astropy, nearest neighbours only": lambda: mutual_nearest(lamost, survey, 3.0),
    }
    for name, work in works.items():
        wall, cpu = time.perf_counter(), time.process_time()
        found = f"{work():,}"
        rows.append((name, time.perf_counter() - wall, time.process_time() - cpu, peak(), found))
    print(f"{given.spectra:,} spectra, {given.stars:,} stars, {os.cpu_count()} cores\n")
    print("| | wall s | CPU s | peak memory so far, GiB | matched |\n|---|---|---|---|---|")
    for name, wall, cpu, memory, found in rows:
        print(f"| {name} | {wall:.1f} | {cpu:.1f} | {memory:.2f} | {found} |")


if __name__ == "__main__":
    main()
