import json
import logging

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from spectralm.baselines.class_mean import ClassMean
from spectralm.baselines.model import Model, kind_of
from spectralm.baselines.options import BaselineOptions
from spectralm.baselines.registry import KINDS, model_class
from spectralm.baselines.ridge import Ridge
from spectralm.cli import main
from spectralm.errors import InputError
from spectralm.evaluation.residuals import residuals
from spectralm.files import parquet_metadata, read_parquet, sha256
from spectralm.labels.columns import PREDICTIONS, schema
from spectralm.samples.manifest import write_manifest

OPTIONS = BaselineOptions()


def train(kind: str, shards) -> Model:
    return model_class(kind).train(shards.spectra, shards.samples, OPTIONS)[0]


def predict(model: Model, shards) -> pa.Table:
    pairs = zip(shards.spectra, shards.samples, strict=True)
    return pa.concat_tables(model.predict(*pair) for pair in pairs).sort_by("obsid")


def rms(model: Model, shards, label: str) -> float:
    spectra = read_parquet(shards.spectra, ["obsid"])["obsid"]
    sample = read_parquet(shards.samples)
    for name, values in (("star_id", "s"), ("snrr", 1.0), ("snri", 1.0)):
        sample = sample.append_column(name, pa.array([values] * len(sample)))
    table = residuals(sample, spectra, predict(model, shards), model.kind)
    return float(np.sqrt(np.mean(np.square(table[f"{label}_residual"].to_numpy()))))


def manifest_with(shards, folder, **columns):
    """The shards' manifests with columns put in the place of theirs: a function of the table."""
    paths = []
    for path in shards.samples:
        table = read_parquet(path)
        for name, make in columns.items():
            table = table.set_column(table.column_names.index(name), name, make(table))
        paths.append(folder / path.name)
        write_manifest(paths[-1], table)
    return type(shards)(shards.spectra, paths)


@pytest.mark.parametrize("kind", KINDS)
def test_predictions_are_of_the_test_spectra_in_their_order(shards, kind):
    model = train(kind, shards)
    for spectra, sample in zip(shards.spectra, shards.samples, strict=True):
        table = model.predict(spectra, sample)
        manifest = read_parquet(sample)
        test = set(manifest["obsid"].filter(pc.equal(manifest["split"], "test")).to_pylist())
        given = read_parquet(spectra)["obsid"].to_pylist()
        assert table.schema.equals(schema(PREDICTIONS))
        assert table["obsid"].to_pylist() == [obsid for obsid in given if obsid in test]
        assert set(table["status"].to_pylist()) == {"parsed"}


@pytest.mark.parametrize("kind", KINDS)
def test_order_of_rows_and_shards_does_not_matter(shards, kind, tmp_path):
    rng = np.random.default_rng(1)
    mixed = type(shards)([], [])
    for spectra, sample in zip(shards.spectra, shards.samples, strict=True):
        for path, paths in ((spectra, mixed.spectra), (sample, mixed.samples)):
            table = read_parquet(path)
            paths.append(tmp_path / path.parent.name / path.name)
            write_manifest(paths[-1], table.take(rng.permutation(len(table))))
    straight = predict(train(kind, shards), shards)
    model, _ = model_class(kind).train(mixed.spectra[::-1], mixed.samples, OPTIONS)
    again = predict(model, mixed)
    assert again["obsid"].equals(straight["obsid"])
    assert again["class"].equals(straight["class"])
    for name in ("teff", "logg", "feh"):
        np.testing.assert_allclose(again[name].to_numpy(), straight[name].to_numpy(), rtol=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_the_test_split_teach_nothing(shards, kind, tmp_path):
    def spoilt(table):
        return pc.if_else(pc.equal(table["split"], "test"), 1e6, table["teff"])

    model = train(kind, manifest_with(shards, tmp_path, teff=spoilt))
    assert predict(model, shards).equals(predict(train(kind, shards), shards))


@pytest.mark.parametrize("kind", KINDS)
def test_a_spectrum_that_is_not_in_the_manifest_is_refused(shards, kind):
    with pytest.raises(InputError, match=r"3.parquet: obsid: .* not in the manifest"):
        model_class(kind).train(shards.spectra, shards.samples[:-1], OPTIONS)


def test_ridge_recovers_a_linear_truth(shards, truth):
    model = train("ridge", shards)
    np.testing.assert_allclose(model.weights[:, :3], truth, atol=2e-3, rtol=1e-3)
    assert rms(model, shards, "teff") < 1
    assert rms(model, shards, "feh") < 1e-3


def test_ridge_beats_the_class_mean(shards):
    for label in ("teff", "logg", "feh"):
        assert rms(train("ridge", shards), shards, label) < 0.1 * rms(
            train("class_mean", shards), shards, label
        )


def test_ridge_over_shards_equals_one_shot(shards):
    model = train("ridge", shards)
    manifest = read_parquet(shards.samples)
    table = read_parquet(shards.spectra)
    stars = manifest.take(pc.index_in(table["obsid"], manifest["obsid"]))
    learnt = pc.equal(stars["split"], "train").to_numpy()
    flux = np.array(table["flux"].to_pylist())[learnt] / 1000
    teff = stars["teff"].to_numpy()[learnt]
    _, training = Ridge.train(shards.spectra, shards.samples, OPTIONS)
    centred = flux - flux.mean(axis=0)
    penalty = training.metrics["penalty"] * np.eye(flux.shape[1])
    left = centred.T @ centred / len(flux) + penalty
    weights = np.linalg.solve(left, centred.T @ (teff - teff.mean()) / len(flux))
    assert training.n_train == learnt.sum()
    np.testing.assert_allclose(model.weights[:, 0], weights, rtol=1e-5)


def test_ridge_names_the_class_better_than_chance(shards):
    table = predict(train("ridge", shards), shards)
    manifest = read_parquet(shards.samples)
    survey = manifest.take(pc.index_in(table["obsid"], manifest["obsid"]))["class"]
    assert pc.mean(pc.equal(table["class"], survey)).as_py() > 0.4  # chance is 0.2


def test_ridge_with_noisy_labels_shrinks_its_weights(shards, tmp_path):
    rng = np.random.default_rng(3)
    noisy = manifest_with(
        shards,
        tmp_path,
        **{
            name: lambda table: pa.array(rng.normal(0, 1, len(table)))
            for name in ("teff", "logg", "feh")
        },
    )
    penalty = Ridge.train(shards.spectra, shards.samples, OPTIONS)[1].metrics["penalty"]
    assert Ridge.train(noisy.spectra, noisy.samples, OPTIONS)[1].metrics["penalty"] > 100 * penalty


def test_ridge_without_validation_says_so(shards, tmp_path, caplog):
    def train_instead(table):
        return pc.if_else(pc.equal(table["split"], "validation"), "train", table["split"])

    given = manifest_with(shards, tmp_path, split=train_instead)
    with caplog.at_level(logging.WARNING):
        _, training = Ridge.train(given.spectra, given.samples, OPTIONS)
    assert "no validation spectra" in caplog.text
    assert training.n_validation == 0
    assert training.metrics["chosen_on"] == "train"


def test_ridge_leaves_out_stars_without_a_label(shards, tmp_path):
    def gaps(table):
        return pc.if_else(pc.equal(pc.bit_wise_and(table["obsid"], 3), 0), None, table["feh"])

    given = manifest_with(shards, tmp_path, feh=gaps)
    model, training = Ridge.train(given.spectra, given.samples, OPTIONS)
    _, whole = Ridge.train(shards.spectra, shards.samples, OPTIONS)
    assert training.n_train < 0.85 * whole.n_train
    assert rms(model, shards, "teff") < 1


def test_ridge_without_training_spectra_is_refused(shards, tmp_path):
    given = manifest_with(shards, tmp_path, split=lambda table: pa.array(["test"] * len(table)))
    with pytest.raises(InputError, match="no train spectrum"):
        Ridge.train(given.spectra, given.samples, OPTIONS)


def test_class_mean_is_the_mean_of_the_training_spectra_of_the_class(shards):
    table = predict(train("class_mean", shards), shards)
    manifest = read_parquet(shards.samples)
    has_spectrum = pc.is_in(manifest["obsid"], read_parquet(shards.spectra)["obsid"])
    learnt = manifest.filter(pc.and_(has_spectrum, pc.equal(manifest["split"], "train")))
    means = learnt.group_by("class").aggregate([("feh", "mean")]).to_pylist()
    means = {row["class"]: row["feh_mean"] for row in means}
    survey = dict(zip(manifest["obsid"].to_pylist(), manifest["class"].to_pylist(), strict=True))
    for row in table.to_pylist():
        assert row["feh"] == pytest.approx(means[survey[row["obsid"]]], rel=1e-12)
        assert row["class"] is None


def test_class_mean_has_no_answer_for_a_class_it_never_saw(shards, tmp_path):
    def hide(table):
        hidden = pc.and_(pc.equal(table["class"], "M"), pc.equal(table["split"], "train"))
        return pc.if_else(hidden, "validation", table["split"])

    given = manifest_with(shards, tmp_path, split=hide)
    table = predict(ClassMean.train(given.spectra, given.samples, OPTIONS)[0], given)
    unseen = table.filter(pc.not_equal(table["status"], "parsed"))
    assert 0 < len(unseen) < len(table)
    assert unseen["teff"].null_count == len(unseen)


@pytest.mark.parametrize("kind", KINDS)
def test_commands_train_and_predict(shards, kind, tmp_path):
    folder, out = tmp_path / "model", tmp_path / "predictions.parquet"
    given = ["--samples", *map(str, shards.samples), "--spectra", *map(str, shards.spectra)]
    assert (
        main(["train-baseline", "--kind", kind, *given, "--options", "{}", "--out", str(folder)])
        == 0
    )
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["kind"] == kind_of(folder) == kind
    assert manifest["n_train"] > 0
    assert manifest["sha256"]["spectra"] == sha256(*shards.spectra)
    assert json.loads((folder / "metrics.json").read_text())
    given = ["--sample", str(shards.samples[1]), "--spectra", str(shards.spectra[1])]
    assert main(["predict-baseline", "--model", str(folder), *given, "--out", str(out)]) == 0
    expected = train(kind, shards).predict(shards.spectra[1], shards.samples[1])
    assert read_parquet(out).equals(expected)
    assert parquet_metadata(out) == {}


def test_a_folder_without_a_manifest_is_no_model(tmp_path):
    with pytest.raises(InputError, match="train the model first"):
        kind_of(tmp_path)


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match=r"'forest'; give one of class_mean, ridge"):
        model_class("forest")
