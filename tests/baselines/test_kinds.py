"""What every kind of baseline must do."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from baselines.conftest import SMALL, predict, rms, train

from spectralm.baselines.registry import BASELINES, load_model, model_class
from spectralm.cli import main
from spectralm.errors import InputError
from spectralm.files import parquet_metadata, read_parquet, sha256
from spectralm.labels.vocabulary import CLASSES
from spectralm.schemas import PREDICTIONS, schema

#: Without the one that is given the labels of stage 1 (test_abundances).
OF_STAGE_1 = sorted(SMALL.keys() - {"from_parameters"})
EVERY_KIND = pytest.mark.parametrize("kind", OF_STAGE_1)
COMMON_KEYS = {
    *("targets", "kind", "options", "n_train", "n_validation", "parameters", "parameters_total"),
    *("seconds", "cpu_seconds", "versions", "python", "git_commit", "sha256", "code", "spectra"),
    *("looks_at_spectrum", "given"),
}


def test_every_kind_is_tested():
    assert BASELINES.names() == sorted(SMALL)


@EVERY_KIND
def test_predictions_are_of_the_test_spectra_in_their_order(shards, trained, kind):
    model, _ = trained[kind]
    for spectra, sample in zip(shards.spectra, shards.samples, strict=True):
        table = model.predict(spectra, sample)
        manifest = read_parquet(sample)
        test = set(manifest["obsid"].filter(pc.equal(manifest["split"], "test")).to_pylist())
        given = read_parquet(spectra)["obsid"].to_pylist()
        assert table.schema.equals(schema(PREDICTIONS))
        assert table["obsid"].to_pylist() == [obsid for obsid in given if obsid in test]
        assert set(table["status"].to_pylist()) == {"parsed"}


@pytest.mark.parametrize("kind", sorted({*OF_STAGE_1} - {"class_mean"}))
def test_labels_and_classes_are_learnt(shards, trained, kind):
    model, _ = trained[kind]
    survey = read_parquet(shards.samples)
    for label in ("teff", "logg", "feh"):
        assert rms(model, shards, label) < 0.7 * np.std(survey[label].to_numpy())
    table = predict(model, shards)
    right = survey.take(pc.index_in(table["obsid"], survey["obsid"]))["class"]
    assert pc.mean(pc.equal(table["class"], right)).as_py() > 0.4  # chance is 0.2


@EVERY_KIND
def test_order_of_rows_and_shards_does_not_matter(shards, trained, kind, tmp_path):
    mixed = shards.mixed(tmp_path)
    straight = predict(trained[kind][0], shards)
    given = type(shards)(mixed.spectra[::-1], mixed.samples)
    again = predict(train(kind, given, tmp_path / "workspace", **SMALL[kind])[0], mixed)
    if kind in ("class_mean", "ridge"):  # sums in another order
        assert again["obsid"].equals(straight["obsid"])
        assert again["class"].equals(straight["class"])
        for name in ("teff", "logg", "feh"):
            np.testing.assert_allclose(again[name].to_numpy(), straight[name].to_numpy(), rtol=1e-8)
    else:
        np.testing.assert_equal(again.to_pydict(), straight.to_pydict())


@EVERY_KIND
def test_labels_of_the_test_split_teach_nothing(shards, trained, kind, tmp_path):
    def spoilt(table):
        return pc.if_else(pc.equal(table["split"], "test"), 9000.0, table["teff"])

    given = shards.with_columns(tmp_path, teff=spoilt)
    model, _ = train(kind, given, tmp_path / "workspace", **SMALL[kind])
    assert predict(model, shards).equals(predict(trained[kind][0], shards))


@EVERY_KIND
def test_nothing_is_learnt_from_labels_that_are_no_stars(shards, kind, tmp_path):
    def wild(table):
        learnt_from = pc.not_equal(table["split"], "test")
        some = pc.equal(pc.bit_wise_and(table["obsid"], 3), 0)
        return pc.if_else(pc.and_(learnt_from, some), 1e5, table["teff"])

    def not_drawn(table):
        some = pc.equal(pc.bit_wise_and(table["obsid"], 3), 0)
        hidden = pc.and_(some, pc.not_equal(table["split"], "test"))
        return pc.if_else(hidden, "elsewhere", table["split"])

    quick = SMALL[kind] | ({"epochs": 1} if "epochs" in SMALL[kind] else {})
    given = shards.with_columns(tmp_path / "wild", teff=wild)
    fewer = shards.with_columns(tmp_path / "fewer", split=not_drawn)
    one = train(kind, given, tmp_path / "1", **quick)
    other = train(kind, fewer, tmp_path / "2", **quick)
    assert one[1] == other[1]
    assert predict(one[0], shards).equals(predict(other[0], shards))


@EVERY_KIND
def test_a_spectrum_that_is_not_in_the_manifest_is_refused(shards, kind, tmp_path):
    given = type(shards)(shards.spectra, shards.samples[:-1])
    with pytest.raises(InputError, match=r"3.parquet: obsid: .* not in the manifest"):
        train(kind, given, tmp_path, **SMALL[kind])


@EVERY_KIND
def test_without_training_spectra_there_is_an_error(shards, kind, tmp_path):
    given = shards.with_columns(tmp_path, split=lambda table: pa.array(["test"] * len(table)))
    if kind == "class_mean":
        model, _ = train(kind, given, tmp_path / "workspace")
        assert set(predict(model, given)["status"].to_pylist()) == {
            "class not in the training split"
        }
        return
    with pytest.raises(InputError, match="no train spectrum with"):
        train(kind, given, tmp_path / "workspace", **SMALL[kind])


@EVERY_KIND
def test_commands_train_and_predict(shards, trained, kind, tmp_path):
    folder, out = tmp_path / "model", tmp_path / "predictions.parquet"
    options = BASELINES.options_class(kind)(**SMALL[kind]).model_dump_json()
    given = ["--samples", *map(str, shards.samples), "--spectra", *map(str, shards.spectra)]
    given += ["--targets", "parameters", "--options", options]
    given += ["--workspaces", str(tmp_path / "workspaces")]
    assert main(["train-baseline", *given, "--out", str(folder)]) == 0
    (workspace,) = (tmp_path / "workspaces").iterdir()
    assert [path.name for path in workspace.iterdir()] == ["finished"]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest.keys() == COMMON_KEYS
    assert manifest["kind"] == kind
    assert manifest["looks_at_spectrum"] == (kind != "class_mean")
    assert manifest["given"] == (["class"] if kind == "class_mean" else [])
    assert manifest["n_train"] == trained[kind][1].n_train > 0
    assert manifest["parameters"] == trained[kind][0].parameters > 0
    assert manifest["seconds"] > 0 < manifest["cpu_seconds"]
    assert manifest["sha256"]["spectra"] == sha256(*shards.spectra)
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics == json.loads(json.dumps(trained[kind][1].metrics))
    given = ["--sample", str(shards.samples[1]), "--spectra", str(shards.spectra[1])]
    assert main(["predict-baseline", "--model", str(folder), *given, "--out", str(out)]) == 0
    expected = trained[kind][0].predict(shards.spectra[1], shards.samples[1])
    assert read_parquet(out).equals(expected)
    assert parquet_metadata(out) == {}


@EVERY_KIND
def test_a_shard_without_test_spectra_has_no_predictions(shards, trained, kind, tmp_path):
    given = shards.with_columns(tmp_path, split=lambda table: pa.array(["train"] * len(table)))
    table = trained[kind][0].predict(given.spectra[0], given.samples[0])
    assert len(table) == 0
    assert table.schema.equals(schema(PREDICTIONS))


def test_a_folder_without_a_manifest_is_no_model(tmp_path):
    with pytest.raises(InputError, match="train the model first"):
        load_model(tmp_path)


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match=r"'forest'; give one of class_mean, cnn, from_param"):
        model_class("forest")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ('{"kind": "ridge", "epochs": 3}', "epochs"),
        ('{"kind": "gru", "epochs": 0}', "epochs"),
        ('{"epochs": 3}', "kind"),
        ("ridge", "give JSON with a kind"),
    ],
)
def test_options_of_another_kind_are_refused(options, sentence, tmp_path, capsys):
    given = ["--samples", "--spectra", "--workspaces", str(tmp_path), "--out", str(tmp_path)]
    given += ["--targets", "parameters", "--options", options]
    assert main(["train-baseline", *given]) == 1
    assert sentence in capsys.readouterr().err


def test_the_fixtures_classes_are_those_of_the_vocabulary(shards):
    assert set(read_parquet(shards.samples)["class"].to_pylist()) == set(CLASSES)
