"""From files to labels: by the command and by a call; quality flags."""

import shutil

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table
from fitsmaker import coadd_file, stellar_flux, wavelengths

from spectralm import predict
from spectralm.cli import main
from spectralm.errors import InputError
from spectralm.files import read_parquet
from spectralm.inference import flags
from spectralm.inference.training_domain import FILE, TrainingDomain
from spectralm.labels.vocabulary import FEH, TEFF

WAVELENGTH = wavelengths()


def flagged(row) -> set[str]:
    """Names of a row's flags."""
    return set(str(row["flag_names"]).split())


def test_labels_of_the_test_stars(trained):
    test = np.flatnonzero(np.array(trained.stars["split"]) == "test")
    table = predict([trained.files[index] for index in test], trained.folder)
    residual = table["teff"] - np.array(trained.stars["teff"])[test]
    assert np.std(residual) < 0.5 * np.std(trained.stars["teff"])
    assert table["teff"].unit == u.K
    assert set(table["status"]) == {"parsed"}
    assert table["snr"].tolist() == pytest.approx(np.array(trained.stars["snrr"])[test])
    ordinary = [not flagged(row) - {"long_gap", "blue_edge", "clipped", "hole"} for row in table]
    assert np.mean(ordinary) > 0.8


def test_labels_of_files_are_those_of_the_stored_spectra(trained, tmp_path):
    """Both ways average the same flux, without the same masked pixels."""
    out = tmp_path / "predictions.parquet"
    given = ["--model", str(trained.folder), "--out", str(out)]
    given += ["--sample", str(trained.sample), "--spectra", str(trained.spectra)]
    assert main(["predict-baseline", *given]) == 0
    stored = read_parquet(out)
    files = [trained.files[obsid - 1] for obsid in stored["obsid"].to_pylist()]
    table = predict(files, trained.folder)
    assert sum(table["masked_fraction"] > 0) > 5
    for name in ("status", "class", "teff", "logg", "feh"):
        assert table[name].tolist() == stored[name].to_pylist()


def test_strange_spectra_are_flagged(trained, tmp_path):
    random = np.random.default_rng(0)
    slope = WAVELENGTH / 5000
    files = {
        "noise": random.uniform(0, 1, WAVELENGTH.size),
        "waves": slope * (1 + 0.3 * np.sin(WAVELENGTH / 40)),
        "quasar": slope + 3 * np.exp(-(((WAVELENGTH - 6000) / 80) ** 2)),
        "star": stellar_flux(WAVELENGTH, 5800, 4.4, -0.5),
    }
    for name, flux in files.items():
        error = flux / (2 if name == "noise" else 60)
        columns = {"wavelength": WAVELENGTH * u.AA, "flux": flux, "error": error}
        Table(columns).write(tmp_path / f"{name}.fits")
    rows = predict([tmp_path / f"{name}.fits" for name in files], trained.folder, medium="vacuum")
    noise, waves, quasar, star = map(flagged, rows)
    assert {"unlike_training", "low_snr"} <= noise
    assert "unlike_training" in waves & quasar
    assert not star & {"unlike_training", "low_snr", "no_snr", "outside_labels", "masked"}
    assert all(rows["distance"][:3] > 3 * rows["distance"][3])


def test_spectra_with_many_masked_pixels_or_without_errors_are_flagged(trained, tmp_path):
    gone = range(500, 2000)
    masked = coadd_file(tmp_path / "masked.fits", snr=60.0, masked=gone)
    flux = stellar_flux(WAVELENGTH, 5800, 4.4, 0.0)
    plain = tmp_path / "plain.fits"
    Table({"wavelength": WAVELENGTH * u.AA, "flux": flux}).write(plain)
    masked, plain = predict([masked, plain], trained.folder, medium="vacuum")
    assert "masked" in flagged(masked)
    assert "no_snr" in flagged(plain)
    assert np.ma.is_masked(plain["snr"])
    domain = TrainingDomain.load(trained.folder / FILE)
    assert domain.outside(TEFF, np.array([3000.0, 6000.0, 20000.0])).tolist() == [True, False, True]
    assert domain.outside(FEH, np.array([np.nan])).tolist() == [False]


def test_air_and_vacuum_give_different_labels(trained, tmp_path):
    path = tmp_path / "star.fits"
    flux = stellar_flux(WAVELENGTH, 5800, 4.4, 0.0)
    Table({"wavelength": WAVELENGTH * u.AA, "flux": flux}).write(path)
    air, vacuum = (predict([path], trained.folder, medium=medium) for medium in ("air", "vacuum"))
    assert air["teff"][0] != vacuum["teff"][0]


def test_the_row_of_a_bad_file_says_why_and_others_are_not_affected(trained, tmp_path, capsys):
    columns = {"wavelength": WAVELENGTH / 10, "flux": np.ones(WAVELENGTH.size)}
    Table(columns).write(tmp_path / "nanometres.csv")
    Table(columns | {"flux": np.full(WAVELENGTH.size, np.nan)}).write(tmp_path / "empty.csv")
    half = WAVELENGTH > 7500
    Table({"wave": WAVELENGTH[half], "flux": columns["flux"][half]}).write(tmp_path / "red.csv")
    files = ["nanometres.csv", "empty.csv", "red.csv", "nothing.csv"]
    given = [str(tmp_path / name) for name in files] + [str(trained.files[0])]
    out = tmp_path / "labels.csv"
    scale = ["--medium", "vacuum", "--unit", "Angstrom"]
    model = ["--model", str(trained.folder)]
    assert main(["predict", *given, *model, *scale, "--out", str(out)]) == 0
    rows = Table.read(out)
    assert rows["status"].tolist() == ["refused"] * 4 + ["parsed"]
    printed = capsys.readouterr().out
    assert "if they are in nm, give --unit nm" in printed
    assert "none of 3909 values is a finite number" in printed
    assert "of the grid" in printed
    assert "not on disk" in printed
    assert rows["detail"][3] in printed
    assert rows["teff"][4] > 3000


@pytest.mark.parametrize("ending", ["ecsv", "csv", "fits", "parquet"])
def test_the_file_holds_what_the_call_gives(trained, tmp_path, ending):
    out = tmp_path / f"labels.{ending}"
    files = list(map(str, [*trained.files[:3], tmp_path / "nothing.fits"]))
    assert main(["predict", *files, "--model", str(trained.folder), "--out", str(out)]) == 0
    table = predict(files, trained.folder)
    if ending == "parquet":
        assert read_parquet(out)["teff"].to_pylist()[:3] == table["teff"][:3].tolist()
        return
    read = Table.read(out)
    assert read.colnames == table.colnames
    assert read["teff"][:3].tolist() == pytest.approx(table["teff"][:3].tolist())
    assert np.ma.is_masked(read["teff"][3]) or np.isnan(read["teff"][3])
    assert ending == "csv" or read["teff"].unit == u.K


def test_messages_name_the_existing_runs(trained, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(trained.folder.parents[2])
    star = str(trained.files[0])
    assert main(["predict", star]) == 1
    assert "ridge-lamost-150" in capsys.readouterr().err
    assert main(["predict", star, "--run", "ridge"]) == 1
    assert "ridge-lamost-150" in capsys.readouterr().err
    assert main(["predict", star, "--run", "ridge-lamost-150", "--out", "labels.doc"]) == 1
    assert ".ecsv" in capsys.readouterr().err
    assert main(["predict", star, "--run", "ridge-lamost-150"]) == 0


def test_a_folder_is_enough_wherever_it_lies(trained, tmp_path):
    moved = shutil.copytree(trained.folder, tmp_path / "mine")
    here, there = (predict(trained.files[:1], run) for run in (trained.folder, moved))
    assert here["teff"][0] == there["teff"][0]
    (moved / "training_domain.safetensors").unlink()
    assert "undescribed" in flagged(predict(trained.files[:1], moved)[0])
    (moved / "manifest.json").write_text('{"kind": "ridge"}')
    with pytest.raises(InputError, match="train the run again"):
        predict(trained.files[:1], moved)


def test_bits_and_names_of_flags_are_unique(repository):
    assert len({flag.bit for flag in flags.FLAGS}) == len(flags.FLAGS)
    assert len({flag.name for flag in flags.FLAGS}) == len(flags.FLAGS)
    assert flags.names(sum(flag.value for flag in flags.FLAGS)) == [f.name for f in flags.FLAGS]
    assert flags.markdown() in (repository / "docs" / "predict.md").read_text()
