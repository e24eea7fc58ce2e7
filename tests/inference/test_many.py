"""Predictions for many files: folders and patterns, parts, processes."""

import numpy as np
import pytest
from astropy.table import Table

from spectralm import predict
from spectralm.cli import main
from spectralm.errors import InputError
from spectralm.files import read_parquet
from spectralm.inference import many
from spectralm.inference.find_spectra import find_spectra
from spectralm.inference.many import Model, predict_many
from spectralm.inference.user_spectra import WavelengthScale


@pytest.fixture
def model(trained) -> Model:
    return Model(trained.folder, None, None, WavelengthScale())


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of 20 files."""
    monkeypatch.setattr(many, "CHUNK", 20)


def test_a_folder_and_a_pattern_are_their_files(trained, tmp_path):
    folder = trained.files[0].parent
    assert find_spectra([folder.parent]) == sorted(trained.files)
    assert find_spectra([folder / "*sp01-00*.fits*"]) == sorted(trained.files)[:9]
    last, first = trained.files[-1], trained.files[0]
    assert find_spectra([last, first]) == [last, first]
    assert len(predict([folder], trained.folder)) == len(trained.files)
    (tmp_path / "notes.md").touch()
    for nothing in (tmp_path, tmp_path / "*.fits"):
        with pytest.raises(InputError, match="give files, a folder, or a pattern"):
            find_spectra([nothing])


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("ending", ["parquet", "ecsv"])
def test_parts_and_processes_give_the_same_table(trained, model, tmp_path, ending):
    one, two = (tmp_path / name / f"labels.{ending}" for name in ("one", "two"))
    files = [*trained.files, tmp_path / "missing.fits"]
    text = predict_many(model, files, one, 1)
    assert predict_many(model, files, two, 2) == text
    assert one.read_bytes() == two.read_bytes()
    assert "... and 111 more" in text
    assert "missing.fits" in text
    assert [path.name for path in one.parent.iterdir()] == [one.name]
    read = read_parquet(one).to_pydict() if ending == "parquet" else Table.read(one)
    whole = predict(files, trained.folder)
    assert list(read["file"]) == whole["file"].tolist()
    assert list(read["teff"][:150]) == pytest.approx(whole["teff"][:150].tolist())
    assert read["teff"][150] in (None, np.ma.masked)


@pytest.mark.usefixtures("small_parts")
def test_what_was_stopped_goes_on(trained, model, tmp_path, monkeypatch):
    out, label = tmp_path / "labels.parquet", many.label
    asked = []

    def stopped(files, run, scale):
        if len(asked) == 3:
            raise KeyboardInterrupt
        asked.append(files)
        return label(files, run, scale)

    monkeypatch.setattr(many, "label", stopped)
    with pytest.raises(KeyboardInterrupt):
        predict_many(model, trained.files, out, 1)
    assert not out.exists()
    asked.append(None)
    predict_many(model, trained.files, out, 1)
    assert len(asked) == 1 + 8
    whole = predict(trained.files, trained.folder)
    assert read_parquet(out)["teff"].to_pylist() == whole["teff"].tolist()
    # Other files, or another order of them: everything is made again.
    asked.clear()
    asked.extend([None] * 4)
    predict_many(model, trained.files[::-1], out, 1)
    assert len(asked) == 4 + 8


def test_a_spectrum_is_not_overwritten(trained, capsys):
    star = trained.files[0]
    before = star.read_bytes()
    named = star.with_suffix(".fits")
    given = [str(star), "--model", str(trained.folder), "--out", str(star)]
    assert main(["predict", *given]) == 1
    assert "it is one of the spectra" in capsys.readouterr().err
    assert star.read_bytes() == before
    assert not named.exists() or named == star


def test_labels_do_not_depend_on_the_other_spectra(trained):
    alone = [predict([file], trained.folder)["teff"][0] for file in trained.files[:4]]
    together = predict(trained.files, trained.folder)["teff"][:4]
    np.testing.assert_allclose(alone, together, rtol=1e-6)
