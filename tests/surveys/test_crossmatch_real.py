"""Published LAMOST x APOGEE pairs, and the APOGEE stars among the real spectra."""

import csv
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from astropy.io import fits

from spectralm.schemas import CATALOGUE, STARS, schema
from spectralm.surveys.crossmatch import crossmatch
from spectralm.surveys.options import CrossmatchOptions

#: Files of LAMOST and the APOGEE stars that they are of (docs/survey_files.md).
KNOWN = {
    "3709176.fits": "2M09224938+2801252",
    "3706103.fits": "2M09275985+2634522",
    "spec-59528-KII051405N211325B02_sp11-250": "2M05152299+2305004",
    "spec-59732-KP190339N395439V06_sp13-076": "2M19134676+4001306",
}


@pytest.fixture(scope="module")
def examples(real: Path) -> Path:
    folder = real / "thecannon_examples"
    if not folder.is_dir():
        pytest.skip(f"no crossmatch of The Cannon: {folder} is not a folder")
    return folder


@pytest.fixture(scope="module")
def apogee(examples: Path) -> pa.Table:
    """The 9,618 stars of APOGEE DR12 as STARS, placed by their 2MASS names."""
    with open(examples / "apogee_dr12_abundances_9618.csv") as file:
        rows = list(csv.DictReader(file))
    return stars([row["APOGEE_ID"] for row in rows], {"mg_fe": [xfe(row, "MG_H") for row in rows]})


def xfe(row: dict[str, str], label: str) -> float:
    return float(row[label]) - float(row["FE_H"])


def stars(names: list[str], labels: dict[str, list[float]]) -> pa.Table:
    """Columns STARS; ``2Mhhmmssss+ddmmsss`` is the position in 2000 to 0.1 arcsec."""
    parts = [
        re.match(r"(?:2M|AP)(\d\d)(\d\d)(\d{4})([+-])(\d\d)(\d\d)(\d{3})", n).groups()
        for n in names
    ]
    ra = [15 * (int(h) + int(m) / 60 + int(s) / 360_000) for h, m, s, *_ in parts]
    dec = [
        (-1 if sign == "-" else 1) * (int(d) + int(m) / 60 + int(s) / 36_000)
        for *_, sign, d, m, s in parts
    ]
    columns = {field.name: pa.nulls(len(names), field.type) for field in schema(STARS)}
    columns |= {"survey_id": names, "ra": ra, "dec": dec, "epoch": np.full(len(names), 2000.0)}
    _, first = np.unique(names, return_index=True)
    return pa.table(columns | labels).cast(schema(STARS)).take(pa.array(first))


def spectra(paths: list[str], ra: np.ndarray, dec: np.ndarray) -> pa.Table:
    """Columns CATALOGUE of one spectrum per star."""
    rows = len(paths)
    columns = {field.name: pa.nulls(rows, field.type) for field in schema(CATALOGUE)}
    columns |= {"obsid": np.arange(rows), "path": paths, "star_id": paths}
    return pa.table(columns | {"ra": ra, "dec": dec}).cast(schema(CATALOGUE))


def test_the_published_pairs_of_lamost_dr2_and_apogee_dr12(examples):
    """1,387 pairs by Ho et al.; here found again from the two catalogues' positions."""
    table = fits.getdata(examples / "lamost_labels.fits", ext=1)
    files = [name.strip() for name in table["LAMOST_ID"].tolist()]
    names = [name.strip() for name in table["APOGEE_ID"].tolist()]
    lamost = spectra(files, table["RA"].astype(float), table["Dec"].astype(float))
    found = crossmatch(lamost, stars(names, {}), CrossmatchOptions()).catalogue
    truth = dict(zip(files, names, strict=True))
    assert all(truth[row["path"]] == row["survey_id"] for row in found.to_pylist())
    assert found.num_rows > 0.99 * len(files)


def test_the_apogee_stars_among_the_real_spectra(real, apogee):
    with open(real / "LAMOST_LRS_INDEX.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["RA"] and row["DEC"]]
    place = [np.array([float(row[name]) for row in rows]) for name in ("RA", "DEC")]
    found = crossmatch(spectra([row["file"] for row in rows], *place), apogee, CrossmatchOptions())
    known = {
        name: next((row["file"] for row in rows if file in row["file"]), None)
        for file, name in KNOWN.items()
    }
    matched = {row["survey_id"]: row for row in found.catalogue.to_pylist()}
    there = {name: path for name, path in known.items() if path}
    assert there
    for name, path in there.items():
        assert matched[name]["path"] == path
        assert matched[name]["separation"] < 1
        assert abs(matched[name]["mg_fe"]) < 0.5
