"""Resampling a manifest gives flux in its order and a reject for every other row."""

import logging

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fitsmaker import coadd_file, dr1_file, image_file
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm import progress
from spectralm.cli import main
from spectralm.files import parquet_metadata, read_parquet
from spectralm.samples.manifest import write_manifest
from spectralm.schemas import REJECTS, SPECTRA
from spectralm.spectra import shards
from spectralm.spectra.flags import FLAGS
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.pixels import Pixels, normalised
from spectralm.spectra.reader import read_spectrum
from spectralm.spectra.resample import resample
from spectralm.spectra.shards import flag_counts, resample_manifest, write_spectra

PAPER = SpectraOptions()
MISSING = ("z", "snrg", "snrr", "snri")


def manifest(paths, obsids, **columns):
    """A manifest of these files; only the first star has S/N."""
    missing = [None] * (len(paths) - 1)
    given_columns = {"z": [1e-4, *missing], "snrg": [50.0, *missing]}
    given_columns |= {"snrr": [60.0, *missing], "snri": [70.0, *missing]} | columns
    floats = {name: pa.array(values, pa.float64()) for name, values in given_columns.items()}
    return pa.table(
        {
            "obsid": pa.array(obsids, pa.int64()),
            "path": pa.array([None if path is None else str(path) for path in paths], pa.string()),
            **floats,
        }
    )


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Good files of each layout, and one bad file of each kind."""
    folder = tmp_path_factory.mktemp("mixed")
    good = coadd_file(folder / "good.fits.gz", obsid=1)
    cut = folder / "cut.fits.gz"
    cut.write_bytes(good.read_bytes()[:5000])
    (folder / "empty.fits").touch()
    (folder / "page.fits").write_text("<html>")
    star = {"obsid": 7, "flux": np.zeros(3909)}
    return [
        (good, 1, None),
        (folder / "gone.fits.gz", 2, "missing_file"),
        (cut, 3, "damaged_gzip"),
        (image_file(folder / "image.fits", obsid=4), 4, None),
        (folder / "empty.fits", 5, "empty_file"),
        (folder / "page.fits", 6, "not_fits"),
        (coadd_file(folder / "zero.fits", **star), 7, "no_positive_flux"),
        (coadd_file(folder / "nan.fits", obsid=8, flux=np.full(3909, np.nan)), 8, "all_masked"),
        (coadd_file(folder / "masked.fits", obsid=9, masked=range(3909)), 9, "all_masked"),
        (coadd_file(folder / "half.fits", obsid=10, masked=range(2500)), 10, "too_much_masked"),
        (coadd_file(folder / "other.fits", obsid=999), 11, "obsid_mismatch"),
        (None, 12, "no_path"),
        (dr1_file(folder / "dr1.fits"), 13, None),
        (coadd_file(folder / "norm.fits", obsid=14, norm=0), 14, None),
    ]


def test_one_bad_file_never_stops_the_others(mixed):
    paths, obsids, _ = zip(*mixed, strict=True)
    table, rejects = resample_manifest(manifest(paths, obsids), PAPER)
    expected = {obsid: reason for _, obsid, reason in mixed if reason}
    assert {reject.obsid: reject.reason for reject in rejects} == expected
    assert table["obsid"].to_pylist() == [o for _, o, reason in mixed if not reason]
    pixels = Pixels.of(table)
    for row, flux, masked in zip(table.to_pylist(), pixels.flux, pixels.masked, strict=True):
        path = paths[obsids.index(row["obsid"])]
        alone = resample(read_spectrum(path), PAPER)
        np.testing.assert_array_equal(flux, alone.flux)
        np.testing.assert_array_equal(masked, alone.masked)
        assert row["flags"] == alone.flags
        assert row["masked_fraction"] == pytest.approx(alone.masked_fraction)


def test_rejects_describe_what_was_found(mixed):
    paths, obsids, _ = zip(*mixed, strict=True)
    _, rejects = resample_manifest(manifest(paths, obsids), PAPER)
    details = {reject.reason: reject.detail for reject in rejects}
    assert "999 in the file, 11 in the manifest" in details["obsid_mismatch"]
    assert "gone.fits.gz" in details["missing_file"]
    assert {reject.stage for reject in rejects} == {"resample_spectra"}


def test_signal_to_noise_is_the_manifests(mixed):
    table, _ = resample_manifest(manifest([mixed[0][0], mixed[3][0]], [1, 4]), PAPER)
    first, second = table.to_pylist()
    assert (first["snrg"], first["snrr"], first["snri"]) == (50, 60, 70)
    assert (second["snrg"], second["snrr"], second["snri"]) == (None, None, None)


def test_rest_frame_uses_the_manifests_redshift(mixed):
    paths = [mixed[0][0], mixed[3][0]]
    options = SpectraOptions(rest_frame=True)
    table, rejects = resample_manifest(manifest(paths, [1, 4], z=[0.001, None]), options)
    expected = resample(read_spectrum(paths[0]), options, 0.001)
    np.testing.assert_array_equal(Pixels.of(table).flux[0], expected.flux)
    assert [reject.reason for reject in rejects] == ["no_redshift"]


@pytest.mark.parametrize("kept", [0, 3])
def test_written_and_read_back(tmp_path, mixed, kept):
    paths = [path for path, _, reason in mixed if not reason][:3]
    rows = manifest(paths, [1, 4, 13]).slice(0, kept)
    options = SpectraOptions(start=4000.0, stop=5000.0)
    table, _ = resample_manifest(rows, options)
    write_spectra(tmp_path / "shard.parquet", table, options)
    read = read_parquet(tmp_path / "shard.parquet")
    assert read.schema.names == [column.name for column in SPECTRA]
    assert read.schema.field("flux").type.list_size == 1001
    found, expected = Pixels.of(read), Pixels.of(table)
    assert found.flux.shape == found.masked.shape == (kept, 1001)
    np.testing.assert_array_equal(found.flux, expected.flux)
    np.testing.assert_array_equal(found.masked, expected.masked)
    metadata = parquet_metadata(tmp_path / "shard.parquet")
    assert SpectraOptions.model_validate_json(metadata["options"]) == options


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(-32767, 32767), min_size=4, max_size=4), max_size=20))
def test_every_thousandth_is_read_as_written(tmp_path_factory, values):
    flux = np.array(values, np.int16).reshape(-1, 4)
    options = SpectraOptions(start=4000.0, stop=4003.0)
    rows = [dict.fromkeys([column.name for column in SPECTRA], 0) | {"snrg": None} for _ in flux]
    path = tmp_path_factory.mktemp("disk") / "shard.parquet"
    write_spectra(path, shards._table(rows, Pixels(flux, flux < 0)), options)
    expected = np.array([[float(f"{v / 1000:.3f}") for v in row] for row in values], np.float32)
    read = Pixels.of(read_parquet(path))
    np.testing.assert_array_equal(normalised(read.flux), expected.reshape(-1, 4))
    np.testing.assert_array_equal(read.masked, expected.reshape(-1, 4) < 0)


def test_a_shard_is_small(tmp_path):
    paths = [
        coadd_file(tmp_path / f"{i}.fits", obsid=i + 1, snr=30.0, teff=4000 + 80 * i)
        for i in range(50)
    ]
    columns = {name: [0.0] * 50 for name in MISSING}
    table, rejects = resample_manifest(manifest(paths, range(1, 51), **columns), PAPER)
    assert not rejects
    write_spectra(tmp_path / "shard.parquet", table, PAPER)
    assert (tmp_path / "shard.parquet").stat().st_size / 50 < 5000
    column = pq.ParquetFile(tmp_path / "shard.parquet").metadata.row_group(0).column(1)
    assert column.path_in_schema == "flux.list.element"
    assert "DELTA_BINARY_PACKED" in column.encodings


def test_the_command(tmp_path, mixed, caplog):
    caplog.set_level(logging.INFO)
    paths, obsids, reasons = zip(*mixed, strict=True)
    write_manifest(tmp_path / "sample.parquet", manifest(paths, obsids))
    out, rejects = tmp_path / "out.parquet", tmp_path / "out.rejects.parquet"
    arguments = ["--sample", tmp_path / "sample.parquet", "--options", "{}"]
    arguments += ["--out", out, "--rejects", rejects]
    assert main(["resample-spectra", *map(str, arguments)]) == 0
    assert read_parquet(rejects).schema.names == [column.name for column in REJECTS]
    assert read_parquet(out).num_rows + read_parquet(rejects).num_rows == len(mixed)
    assert "refused 2: all_masked" in caplog.text
    assert f"{reasons.count(None)} of {len(mixed)} spectra" in caplog.text


def test_long_shards_log_their_progress(mixed, caplog, monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 0.0)
    caplog.set_level(logging.INFO)
    resample_manifest(manifest([None] * 5, range(5)), PAPER)
    assert "2 of 5 spectra" in caplog.text
    assert "4 of 5 spectra" in caplog.text


def test_flags_are_counted():
    table = pa.table({"flags": pa.array([0, 1, 3], pa.int32())})
    counts = flag_counts(table)
    assert counts[FLAGS[0].name] == 2
    assert counts[FLAGS[1].name] == 1
    assert sum(counts.values()) == 3


def test_real_files_of_every_release(real):
    """Every layout in one shard."""
    files = [*real.glob("lamost_*/**/*.fits"), *real.glob("lamost_*/**/*.fits.gz")]
    files = sorted(path for path in files if "sdss" not in str(path))[::5]
    obsids = [read_spectrum(path).obsid or 1 for path in files]
    columns = dict.fromkeys(MISSING, [None] * len(files))
    table, rejects = resample_manifest(manifest(files, obsids, **columns), PAPER)
    assert not rejects
    flux = normalised(Pixels.of(table).flux)
    assert flux.shape == (len(files), 4901)
    assert -1 < flux.min() < flux.max() < 1.2
