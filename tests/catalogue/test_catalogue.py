"""The catalogue of a run, read by the tools that astronomers use."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.io import fits
from astropy.io.votable import parse, validate
from astropy.io.votable.ucd import parse_ucd
from astropy.table import Table

from spectralm.catalogue.formats import Header, write_catalogue
from spectralm.catalogue.rows import catalogue, spectra_of
from spectralm.errors import InputError
from spectralm.inference.describe import describe
from spectralm.inference.flags import names
from spectralm.inference.training_domain import TrainingDomain
from spectralm.labels.vocabulary import Targets
from spectralm.samples.manifest import write_manifest
from spectralm.schemas import PREDICTIONS, SAMPLE, LabelFlag, catalogue_columns, schema
from spectralm.spectra.flags import FLAGS as SPECTRUM_FLAGS
from spectralm.spectra.pixels import Pixels

ORIGIN = {"run": "toy-lamost-20", "weights": "ab" * 6, "serializer": "compact-0123456789ab"}
NOTE = "Synthetic stars. " * 8
N = 20
GRID = 60
SPECTRUM_BITS = sum(flag.value for flag in SPECTRUM_FLAGS)


def sample() -> pa.Table:
    """Twenty spectra, all but the first five of the test split; one without a Gaia id."""
    columns = {column.name: pa.nulls(N, column.type) for column in SAMPLE}
    columns |= {
        "obsid": pa.array(np.arange(N) + 700_000_000_000),
        "star_id": [f"gaia:{n}" for n in range(N)],
        "gaia_source_id": [None, *(str(4_000_000_000_000_000_000 + n) for n in range(1, N))],
        "ra": np.linspace(0, 359, N),
        "dec": np.linspace(-5, 60, N),
        "snrr": np.linspace(10, 90, N),
        "teff": np.linspace(4000, 7000, N),
        "logg": np.linspace(1, 5, N),
        "feh": np.linspace(-2, 0.4, N),
        "split": ["train"] * 5 + ["test"] * (N - 5),
    }
    return pa.table(columns, schema=schema(SAMPLE))


def predictions(manifest: pa.Table) -> pa.Table:
    """Fifteen predictions, not in the order of the manifest; one could not be parsed."""
    test = manifest.filter(pc.equal(manifest["split"], "test"))
    n = len(test)
    unparsed = np.arange(n) == 0
    columns = {column.name: pa.nulls(n, column.type) for column in PREDICTIONS}
    columns |= {
        "obsid": test["obsid"],
        "status": np.where(unparsed, "unparsed: no class", "parsed"),
    }
    columns |= {
        name: pa.array(test[name].to_numpy() + 0.125, mask=unparsed)
        for name in ("teff", "logg", "feh")
    }
    columns["class"] = pa.array(["G"] * n, mask=unparsed)
    table = pa.table(columns, schema=schema(PREDICTIONS))
    return table.take(np.random.default_rng(1).permutation(n))


@pytest.fixture(scope="module")
def manifest() -> pa.Table:
    return sample()


@pytest.fixture(scope="module")
def answers(manifest) -> pa.Table:
    return predictions(manifest)


@pytest.fixture(scope="module")
def shards(manifest, tmp_path_factory) -> list[Path]:
    """Two shards of spectra that are straight lines of random slope; the last one is noise."""
    random = np.random.default_rng(3)
    slopes = random.uniform(-200, 200, (N, 1))
    flux = 500 + slopes * np.linspace(-1, 1, GRID) + random.normal(0, 5, (N, GRID))
    flux[-1] = random.uniform(0, 1000, GRID)
    pixels = Pixels(np.rint(flux).astype(np.int16), np.zeros(flux.shape, bool))
    table = pa.table(
        {
            "obsid": manifest["obsid"],
            **pixels.columns(),
            "snrr": manifest["snrr"],
            "masked_fraction": pa.array([0.25] * (N - 2) + [0.5, 0.25], pa.float32()),
            "flags": pa.array(np.arange(N), pa.int32()),
        }
    )
    folder = tmp_path_factory.mktemp("spectra")
    paths = [folder / "0000.parquet", folder / "0001.parquet"]
    for path, part in zip(paths, (table[:12], table[12:]), strict=True):
        pq.write_table(part, path)
    return paths


@pytest.fixture(scope="module")
def known(manifest, shards, tmp_path_factory) -> TrainingDomain:
    """The training domain: the first five spectra, with the coolest stars and the lowest S/N."""
    samples = [tmp_path_factory.mktemp("samples") / path.name for path in shards]
    for path, part in zip(samples, (manifest[:12], manifest[12:]), strict=True):
        write_manifest(path, part)
    return describe(shards, samples, Targets.PARAMETERS)


@pytest.fixture(scope="module")
def spectra(answers, shards, known) -> pa.Table:
    return spectra_of(answers, shards, known)


@pytest.fixture(scope="module")
def rows(answers, manifest, spectra, known) -> pa.Table:
    return catalogue(answers, manifest, spectra, known, ORIGIN, Targets.PARAMETERS, "toy")


@pytest.fixture(scope="module")
def files(rows, tmp_path_factory):
    """The catalogue as Parquet, FITS and VOTable."""
    folder = tmp_path_factory.mktemp("catalogue")
    paths = [folder / f"toy.{suffix}" for suffix in ("parquet", "fits", "vot")]
    header = Header("toy-lamost-20", "ab" * 32, "compact-0123456789ab", "SpectraLM", NOTE)
    write_catalogue(rows, catalogue_columns(Targets.PARAMETERS), header, *paths)
    return paths


def test_each_predicted_spectrum_has_one_row_with_its_values(rows, manifest):
    assert rows["obsid"].to_pylist() == manifest["obsid"].to_pylist()[5:]
    assert rows["ra"].to_pylist() == manifest["ra"].to_pylist()[5:]
    spectrum_flags = [bits & SPECTRUM_BITS for bits in rows["flags"].to_pylist()]
    assert spectrum_flags == list(range(5, N))
    teff = rows["teff"].to_pylist()
    assert teff[0] is None
    assert teff[1:] == [value + 0.125 for value in manifest["teff"].to_pylist()[6:]]


def test_a_spectrum_of_two_datasets_has_one_row(answers, manifest, spectra, known, rows):
    twice = [pa.concat_tables([table, table]) for table in (answers, manifest, spectra)]
    assert catalogue(*twice, known, ORIGIN, Targets.PARAMETERS, "toy").equals(rows)


def test_flags_of_values(rows):
    outside, no_error = LabelFlag.OUTSIDE, LabelFlag.NO_ERROR
    assert rows["teff_flag"][0].as_py() == LabelFlag.NO_VALUE | no_error
    assert rows["teff_flag"][-1].as_py() == outside | no_error


def test_flags_of_predictions(rows, known):
    flagged = [set(names(bits & ~SPECTRUM_BITS)) for bits in rows["flags"].to_pylist()]
    assert [flags - {"unlike_training"} for flags in flagged] == [
        {"unparsed"},
        *[{"outside_labels"}] * (N - 8),
        {"outside_labels", "masked"},
        {"outside_labels"},
    ]
    distances = rows["distance"].to_pylist()
    assert distances[-1] > 10 * max(distances[:-1])
    assert ["unlike_training" in flags for flags in flagged] == [
        distance > known.farthest[0] for distance in distances
    ]


def test_errors_of_predictions_are_in_the_catalogue(answers, manifest, spectra, known):
    errors = pa.array(np.full(len(answers), 30.0))
    place = answers.column_names.index("teff_err")
    given = answers.set_column(place, "teff_err", errors)
    rows = catalogue(given, manifest, spectra, known, ORIGIN, Targets.PARAMETERS, "toy")
    assert rows["teff_err"].to_pylist() == [None] + [30.0] * 14
    assert not rows["teff_flag"][-1].as_py() & LabelFlag.NO_ERROR


def test_a_prediction_of_an_unknown_spectrum_is_refused(answers, manifest, spectra, known):
    with pytest.raises(InputError, match=r"15 predicted spectra are not in the manifests"):
        catalogue(answers, manifest[:5], spectra, known, ORIGIN, Targets.PARAMETERS, "toy")


@pytest.mark.parametrize(
    "targets", [Targets.PARAMETERS, Targets.ABUNDANCES], ids=lambda targets: targets.kind
)
def test_every_ucd_is_of_the_vocabulary_and_every_unit_of_the_standards(targets):
    for column in catalogue_columns(targets):
        parse_ucd(column.ucd, check_controlled_vocabulary=True)
        assert column.description
        if column.unit not in ("", "dex"):
            units.Unit(column.unit, format="fits")
            units.Unit(column.unit, format="vounit")


def test_parquet_has_the_columns_and_the_header(files, rows):
    table = pq.read_table(files[0])
    assert table.equals(rows)
    assert table.schema.field("teff").metadata[b"unit"] == b"K"
    assert table.schema.field("teff").metadata[b"ucd"] == b"phys.temperature.effective"
    assert table.schema.metadata[b"weights"] == b"ab" * 32
    assert table.schema.metadata[b"frame"] == b"ICRS"


def cells(table: Table, name: str) -> list:
    """A column as Python values, None where masked."""
    values = (None if value is np.ma.masked else value for value in table[name].tolist())
    return [value.decode() if isinstance(value, bytes) else value for value in values]


def same_cells(table: Table, rows: pa.Table) -> None:
    """Assert that a table has the values and nulls of the rows; a null string is an empty one."""
    assert table.colnames == rows.column_names
    for name in rows.column_names:
        empty = "" if rows[name].type == pa.string() else None
        found = [empty if value is None else value for value in cells(table, name)]
        assert found == [empty if value is None else value for value in rows[name].to_pylist()]


def test_fits_is_read_by_astropy_with_units_and_without_complaint(files, rows):
    with fits.open(files[1], checksum=True) as opened:
        opened.verify("exception")
        header = opened[1].header
        names = [header[f"TTYPE{n}"] for n in range(1, header["TFIELDS"] + 1)]
        for number, column in enumerate(catalogue_columns(Targets.PARAMETERS), start=1):
            assert names[number - 1] == column.name
            assert header[f"TUCD{number}"] == column.ucd
            assert header[f"TCOMM{number}"].startswith(column.description)
        assert (header["RADESYS"], header["EQUINOX"]) == ("ICRS", 2000.0)
        assert header["WEIGHTS"] == "ab" * 32
        assert "".join(header["COMMENT"]).startswith("Synthetic stars.")
    table = Table.read(files[1])
    assert table["teff"].unit == units.K
    assert table["ra"].unit == units.deg
    same_cells(table, rows)


@pytest.mark.skipif(shutil.which("fitsverify") is None, reason="fitsverify is not installed")
def test_fitsverify_finds_nothing(files):
    done = subprocess.run(["fitsverify", files[1]], capture_output=True, text=True, check=False)
    assert "found 0 warning(s) and 0 error(s)" in done.stdout, done.stdout


def stilts(*words: str) -> str:
    """Output of STILTS, the library with which TOPCAT reads tables."""
    done = subprocess.run(
        ["stilts", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return done.stdout


@pytest.mark.skipif(shutil.which("stilts") is None, reason="stilts is not installed")
def test_topcats_reader_finds_no_error(files, rows):
    assert "ERROR" not in stilts("votlint", str(files[2]))
    for path in files[1:]:
        output = stilts("tpipe", f"in={path}", "omode=meta")
        assert f"Rows:    {len(rows)}" in output
        assert re.search(r"teff\(Double\)/K +- Teff by the model", output)


def test_votable_is_valid_and_has_units_ucds_and_the_frame(files, rows):
    assert "found no violations" in validate(files[2], output=None)
    opened = parse(files[2], verify="exception")
    element = opened.get_first_table()
    table = element.to_table()
    assert table["teff"].unit == units.K
    for field, column in zip(element.fields, catalogue_columns(Targets.PARAMETERS), strict=True):
        assert (field.ID, field.ucd) == (column.name, column.ucd)
        assert field.description.startswith(column.description)
    frame = opened.resources[0].coordinate_systems[0]
    assert (frame.system, frame.epoch) == ("ICRS", "J2000")
    assert {field.name for field in element.fields if field.ref == frame.ID} == {"ra", "dec"}
    ids = re.findall(r'\bID="([^"]+)"', files[2].read_bytes().decode("latin-1"))
    assert len(ids) == len(set(ids))
    infos = {info.name: info.value for info in opened.resources[0].infos}
    assert infos["weights"] == "ab" * 32
    assert infos["note"] == NOTE
    same_cells(table, rows)
