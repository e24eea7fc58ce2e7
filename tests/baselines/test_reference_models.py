"""The two reference models of stage 1: ridge and class mean."""

import logging

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from baselines.conftest import predict, rms, train

from spectralm.errors import InputError
from spectralm.files import read_parquet


def test_ridge_recovers_a_linear_truth(shards, truth, trained):
    model = trained["ridge"][0]
    np.testing.assert_allclose(model.weights[:, :3], truth, atol=2e-3, rtol=1e-3)
    assert rms(model, shards, "teff") < 1
    assert rms(model, shards, "feh") < 1e-3


def test_ridge_beats_the_class_mean(shards, trained):
    for label in ("teff", "logg", "feh"):
        assert rms(trained["ridge"][0], shards, label) < 0.1 * rms(
            trained["class_mean"][0], shards, label
        )


def test_ridge_over_shards_equals_one_shot(shards, tmp_path, trained):
    model = trained["ridge"][0]
    manifest = read_parquet(shards.samples)
    table = read_parquet(shards.spectra)
    stars = manifest.take(pc.index_in(table["obsid"], manifest["obsid"]))
    learnt = pc.equal(stars["split"], "train").to_numpy()
    flux = np.array(table["flux"].to_pylist())[learnt] / 1000
    teff = stars["teff"].to_numpy()[learnt]
    _, training = train("ridge", shards, tmp_path)
    centred = flux - flux.mean(axis=0)
    penalty = training.metrics["penalty"] * np.eye(flux.shape[1])
    left = centred.T @ centred / len(flux) + penalty
    weights = np.linalg.solve(left, centred.T @ (teff - teff.mean()) / len(flux))
    assert training.n_train == learnt.sum()
    np.testing.assert_allclose(model.weights[:, 0], weights, rtol=1e-4)


def test_ridge_names_the_class_better_than_chance(shards, trained):
    table = predict(trained["ridge"][0], shards)
    manifest = read_parquet(shards.samples)
    survey = manifest.take(pc.index_in(table["obsid"], manifest["obsid"]))["class"]
    assert pc.mean(pc.equal(table["class"], survey)).as_py() > 0.4  # chance is 0.2


def test_ridge_with_noisy_labels_shrinks_its_weights(shards, tmp_path):
    rng = np.random.default_rng(3)

    def noise(mean, sigma):
        return lambda table: pa.array(rng.normal(mean, sigma, len(table)))

    noisy = shards.with_columns(
        tmp_path, teff=noise(5000, 300), logg=noise(3, 0.5), feh=noise(-1, 0.3)
    )
    penalty = train("ridge", shards, tmp_path)[1].metrics["penalty"]
    assert train("ridge", noisy, tmp_path)[1].metrics["penalty"] > 100 * penalty


def test_ridge_without_validation_says_so(shards, tmp_path, caplog):
    def train_instead(table):
        return pc.if_else(pc.equal(table["split"], "validation"), "train", table["split"])

    given = shards.with_columns(tmp_path, split=train_instead)
    with caplog.at_level(logging.WARNING):
        _, training = train("ridge", given, tmp_path)
    assert "no validation spectra" in caplog.text
    assert training.n_validation == 0
    assert training.metrics["chosen_on"] == "train"


def test_ridge_leaves_out_stars_without_a_label(shards, tmp_path):
    def gaps(table):
        return pc.if_else(pc.equal(pc.bit_wise_and(table["obsid"], 3), 0), None, table["feh"])

    given = shards.with_columns(tmp_path, feh=gaps)
    model, training = train("ridge", given, tmp_path)
    _, whole = train("ridge", shards, tmp_path)
    assert training.n_train < 0.85 * whole.n_train
    assert rms(model, shards, "teff") < 1


def test_ridge_without_training_spectra_is_refused(shards, tmp_path):
    given = shards.with_columns(tmp_path, split=lambda table: pa.array(["test"] * len(table)))
    with pytest.raises(InputError, match="no train spectrum"):
        train("ridge", given, tmp_path)


def test_class_mean_is_the_mean_of_the_training_spectra_of_the_class(shards, trained):
    table = predict(trained["class_mean"][0], shards)
    manifest = read_parquet(shards.samples)
    has_spectrum = pc.is_in(manifest["obsid"], read_parquet(shards.spectra)["obsid"])
    learnt = manifest.filter(pc.and_(has_spectrum, pc.equal(manifest["split"], "train")))
    means = learnt.group_by("class").aggregate([("feh", "mean")]).to_pylist()
    means = {row["class"]: row["feh_mean"] for row in means}
    survey = dict(zip(manifest["obsid"].to_pylist(), manifest["class"].to_pylist(), strict=True))
    for row in table.to_pylist():
        assert row["feh"] == pytest.approx(means[survey[row["obsid"]]], rel=1e-12)
        assert row["class"] is None


def test_class_mean_predicts_nothing_for_a_class_without_training_spectra(shards, tmp_path):
    def hide(table):
        hidden = pc.and_(pc.equal(table["class"], "M"), pc.equal(table["split"], "train"))
        return pc.if_else(hidden, "validation", table["split"])

    given = shards.with_columns(tmp_path, split=hide)
    table = predict(train("class_mean", given, tmp_path)[0], given)
    unseen = table.filter(pc.not_equal(table["status"], "parsed"))
    assert 0 < len(unseen) < len(table)
    assert unseen["teff"].null_count == len(unseen)
