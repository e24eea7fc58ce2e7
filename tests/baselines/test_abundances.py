"""Stage 2: every kind is trained on abundances, each on the stars that have it."""

import json
import logging

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
import yaml
from baselines.conftest import SMALL, Trained, predict, train

from spectralm.baselines.data import labels_of
from spectralm.baselines.kinds.resnet import Resnet
from spectralm.baselines.registry import BASELINES
from spectralm.cli import main
from spectralm.errors import InputError
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS, Targets
from spectralm.schemas import PREDICTIONS, schema

GIVEN = ("mg_fe", "c_fe", "ni_fe")
EVERY_KIND = pytest.mark.parametrize("kind", SMALL)
NETWORKS = {"cnn", "gru", "mlp", "resnet"}
#: One epoch is enough where two trainings are compared.
QUICK = {
    kind: options | ({"epochs": 1} if kind in NETWORKS else {}) for kind, options in SMALL.items()
}


@pytest.fixture(scope="module")
def taught(abundances, tmp_path_factory) -> Trained:
    """A small model of each kind."""
    return Trained(abundances, tmp_path_factory.mktemp("taught"), Targets.ABUNDANCES)


def manifest_of(shards, table: pa.Table) -> pa.Table:
    """Rows of the manifest beside those of predictions."""
    manifest = read_parquet(shards.samples)
    return manifest.take(pc.index_in(table["obsid"], manifest["obsid"]))


def hidden(name: str):
    """A column whose values some stars lose."""

    def values(table):
        return pc.if_else(pc.equal(pc.bit_wise_and(table["obsid"], 4), 0), None, table[name])

    return {name: values}


@EVERY_KIND
def test_every_test_spectrum_gets_abundances_and_nothing_else(abundances, taught, kind):
    table = predict(taught[kind][0], abundances)
    assert table.schema.equals(schema(PREDICTIONS))
    assert set(manifest_of(abundances, table)["split"].to_pylist()) == {"test"}
    assert manifest_of(abundances, table)["mg_fe"].null_count > 0
    assert set(table["status"].to_pylist()) == {"parsed"}
    assert table["class"].null_count == len(table)
    assert all(table[label.name].null_count == len(table) for label in PARAMETERS)
    for label in ABUNDANCES:
        assert table[label.name].null_count == (0 if label.name in GIVEN else len(table))


@pytest.mark.parametrize("kind", sorted(SMALL.keys() - {"class_mean", "from_parameters"}))
def test_abundances_are_fitted_to_the_stars_that_have_them(abundances, taught, kind):
    table = predict(taught[kind][0], abundances)
    truth = manifest_of(abundances, table)
    for name in GIVEN:
        residual = pc.drop_null(pc.subtract(table[name], truth[name])).to_numpy()
        spread = np.std(pc.drop_null(truth[name]).to_numpy())
        assert len(residual) > 100
        assert np.sqrt(np.mean(residual**2)) < 0.7 * spread


@EVERY_KIND
def test_a_star_without_labels_is_not_used_in_training(abundances, kind, tmp_path):
    def not_drawn(table):
        nothing = pc.and_(*(pc.is_null(table[name]) for name in ("mg_fe", "c_fe")))
        unused = pc.and_(nothing, pc.not_equal(table["split"], "test"))
        return pc.if_else(unused, "elsewhere", table["split"])

    fewer = abundances.with_columns(tmp_path / "fewer", split=not_drawn)
    one = train(kind, abundances, tmp_path / "1", Targets.ABUNDANCES, **QUICK[kind])
    other = train(kind, fewer, tmp_path / "2", Targets.ABUNDANCES, **QUICK[kind])
    manifest = read_parquet(abundances.samples)
    has_spectrum = pc.is_in(manifest["obsid"], read_parquet(abundances.spectra)["obsid"])
    labelled = pc.and_(
        has_spectrum, pc.or_(*map(pc.is_valid, (manifest["mg_fe"], manifest["c_fe"])))
    )
    assert one[1] == other[1]
    assert one[1].n_train == pc.sum(pc.and_(labelled, pc.equal(manifest["split"], "train"))).as_py()
    assert predict(one[0], abundances).equals(predict(other[0], abundances))


@pytest.mark.parametrize("kind", sorted(SMALL.keys() - NETWORKS))
def test_a_missing_abundance_does_not_affect_the_others(abundances, taught, kind, tmp_path):
    fewer = abundances.with_columns(tmp_path / "fewer", **hidden("c_fe"))
    straight = predict(taught[kind][0], abundances)
    again = predict(train(kind, fewer, tmp_path, Targets.ABUNDANCES, **SMALL[kind])[0], abundances)
    for name in ("mg_fe", "ni_fe"):
        np.testing.assert_allclose(again[name].to_numpy(), straight[name].to_numpy(), atol=1e-9)
    assert pc.max(pc.abs(pc.subtract(again["c_fe"], straight["c_fe"]))).as_py() > 1e-7


def test_the_weights_of_a_label_that_no_star_has_do_not_change(abundances, tmp_path):
    first, _ = train("cnn", abundances, tmp_path / "1", Targets.ABUNDANCES, **QUICK["cnn"])
    before = first.network.labels.weight.detach()
    longer = QUICK["cnn"] | {"epochs": 2}
    second, _ = train("cnn", abundances, tmp_path / "2", Targets.ABUNDANCES, **longer)
    after = second.network.labels.weight.detach()
    for place, label in enumerate(ABUNDANCES):
        assert torch.equal(before[place], after[place]) == (label.name not in GIVEN)


def test_labels_are_those_of_the_crossmatched_survey(abundances):
    manifest = read_parquet(abundances.samples)
    for label in PARAMETERS:
        other = pc.add(manifest[label.name], 1.0)
        manifest = manifest.append_column(f"survey_{label.name}", other)
    lamost = [manifest[label.name].to_numpy() for label in PARAMETERS]
    np.testing.assert_array_equal(labels_of(manifest, Targets.PARAMETERS).T, np.array(lamost) + 1)
    magnesium = [label.name for label in ABUNDANCES].index("mg_fe")
    found = labels_of(manifest, Targets.ABUNDANCES)
    assert found.shape == (len(manifest), 21)
    np.testing.assert_array_equal(found[:, magnesium], manifest["mg_fe"].to_numpy())


@EVERY_KIND
def test_a_models_folder_records_its_targets(abundances, kind, tmp_path):
    folder, out = tmp_path / "model", tmp_path / "predictions.parquet"
    given = ["--samples", *map(str, abundances.samples), "--targets", "C,MG,NI"]
    given += ["--spectra", *map(str, abundances.spectra), "--out", str(folder)]
    given += ["--options", json.dumps({"kind": kind} | QUICK[kind])]
    assert main(["train-baseline", *given, "--workspaces", str(tmp_path / "workspaces")]) == 0
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["targets"] == "C,MG,NI"
    labels = {"class_mean": ["class"], "from_parameters": ["teff", "logg", "feh"]}
    assert manifest["given"] == labels.get(kind, [])
    assert manifest["looks_at_spectrum"] == (kind not in labels)
    given = ["--sample", str(abundances.samples[1]), "--spectra", str(abundances.spectra[1])]
    assert main(["predict-baseline", "--model", str(folder), *given, "--out", str(out)]) == 0
    model, _ = train(kind, abundances, tmp_path / "again", Targets("C,MG,NI"), **QUICK[kind])
    expected = model.predict(abundances.spectra[1], abundances.samples[1])
    assert read_parquet(out).equals(expected)


@EVERY_KIND
def test_without_training_spectra_there_is_an_error(abundances, kind, tmp_path):
    given = abundances.with_columns(tmp_path, split=lambda table: pa.array(["test"] * len(table)))
    if kind == "class_mean":
        model, _ = train(kind, given, tmp_path / "workspace", Targets.ABUNDANCES)
        assert "parsed" not in predict(model, given)["status"].to_pylist()
        return
    with pytest.raises(InputError, match="no train spectrum with"):
        train(kind, given, tmp_path / "workspace", Targets.ABUNDANCES, **SMALL[kind])


def test_ridge_is_that_of_the_stars_with_the_label(abundances, taught):
    model, training = taught["ridge"]
    flux = read_parquet(abundances.spectra)
    stars = manifest_of(abundances, flux)
    for name in GIVEN:
        learnt = pc.and_(pc.equal(stars["split"], "train"), pc.is_valid(stars[name])).to_numpy()
        pixels = np.array(flux["flux"].to_pylist())[learnt] / 1000
        values = stars[name].to_numpy()[learnt]
        centred = pixels - pixels.mean(axis=0)
        penalty = training.metrics[name]["penalty"] * np.eye(pixels.shape[1])
        left = centred.T @ centred / len(pixels) + penalty
        weights = np.linalg.solve(left, centred.T @ (values - values.mean()) / len(pixels))
        place = [label.name for label in ABUNDANCES].index(name)
        np.testing.assert_allclose(model.weights[:, place], weights, rtol=1e-3, atol=1e-5)
        at_mean = model.outputs(pixels.mean(axis=0))[place]
        np.testing.assert_allclose(at_mean, values.mean(), atol=1e-7)


def test_a_class_without_an_abundance_gets_the_mean_of_all_stars(abundances, taught):
    table = predict(taught["class_mean"][0], abundances)
    classes = manifest_of(abundances, table)["class"].to_numpy()
    stars = manifest_of(abundances, read_parquet(abundances.spectra, ["obsid"]))
    learnt = stars.filter(pc.equal(stars["split"], "train"))
    for name, kind in (("ni_fe", "A"), ("ni_fe", "F"), ("ni_fe", "K"), ("c_fe", "A")):
        of_class = learnt.filter(pc.equal(learnt["class"], kind))[name]
        known = of_class if of_class.null_count < len(of_class) else learnt[name]
        assert (known is of_class) == (name == "c_fe" or kind == "K")
        values = table[name].to_numpy()[classes == kind]
        np.testing.assert_allclose(values, pc.mean(known).as_py(), rtol=1e-12)


@pytest.fixture
def quadratic(abundances, tmp_path):
    """[Mg/Fe] and [Ni/Fe] are quadratics in the parameters; APOGEE's parameters are others."""

    def made(squares):
        def values(table):
            teff, logg, feh = (table[name].to_numpy() for name in ("teff", "logg", "feh"))
            warm = (teff - 7000) / 2000
            exact = 0.1 + 0.05 * warm - 0.1 * feh + squares * (warm**2 - logg * feh) / 10
            return pa.array(np.clip(exact, -2.4, 2.4), mask=pc.is_null(table["mg_fe"]).to_numpy())

        return values

    return abundances.with_columns(tmp_path / "quadratic", mg_fe=made(1.0), ni_fe=made(0.3))


def test_from_parameters_recovers_a_quadratic(quadratic, tmp_path):
    model, training = train("from_parameters", quadratic, tmp_path, Targets.ABUNDANCES)
    table = predict(model, quadratic)
    truth = manifest_of(quadratic, table)
    for name in ("mg_fe", "ni_fe"):
        residual = pc.drop_null(pc.subtract(table[name], truth[name])).to_numpy()
        assert np.abs(residual).max() < 1e-3 < 0.05 < np.std(pc.drop_null(truth[name]).to_numpy())
    assert training.metrics["training_labels"]["ce_fe"] == 0
    assert model.parameters == 3 * 10 + 6


def test_from_parameters_predicts_nothing_for_a_star_without_parameters(
    quadratic, tmp_path, caplog
):
    given = quadratic.with_columns(tmp_path / "gaps", **hidden("logg"))
    with caplog.at_level(logging.WARNING):
        model, training = train("from_parameters", given, tmp_path, Targets.ABUNDANCES)
    assert "training spectra without Teff, log g or [Fe/H] left out" in caplog.text
    table = predict(model, given)
    lacking = pc.is_null(manifest_of(given, table)["logg"])
    unanswered = pc.equal(table["status"], "no Teff, log g or [Fe/H] of LAMOST's")
    assert unanswered.equals(lacking)
    assert 0 < pc.sum(unanswered).as_py() < len(table)
    assert pc.is_null(table["mg_fe"]).equals(lacking)
    _, whole = train("from_parameters", quadratic, tmp_path, Targets.ABUNDANCES)
    assert training.n_train < whole.n_train


def test_from_parameters_is_refused_if_the_parameters_are_the_targets(shards, tmp_path):
    with pytest.raises(InputError, match=r"targets: parameters, which are its input; .* apogee"):
        train("from_parameters", shards, tmp_path)


def test_labels_are_scaled_from_0_to_1(abundances, tmp_path):
    options = QUICK["cnn"] | {"label_scaling": "minmax"}
    model, _ = train("cnn", abundances, tmp_path, Targets.ABUNDANCES, **options)
    stars = manifest_of(abundances, read_parquet(abundances.spectra, ["obsid"]))
    learnt = stars.filter(pc.equal(stars["split"], "train"))
    for place, label in enumerate(ABUNDANCES):
        low, width = model.network.label_mean[place].item(), model.network.label_scale[place].item()
        if label.name in GIVEN:
            ends = pc.min_max(learnt[label.name]).as_py()
            assert (low, low + width) == pytest.approx((ends["min"], ends["max"]), rel=1e-5)
        else:
            assert np.isnan(low)


def test_the_papers_resnet_of_stage_2(repository):
    config = yaml.safe_load((repository / "config" / "config.yaml").read_text())
    options = BASELINES.read_options(json.dumps(config["models"]["resnet50_abundances"]))
    assert (options.epochs, options.batch_size, options.learning_rate) == (100, 256, 1e-3)
    assert (options.schedule, options.patience, options.factor) == ("plateau", 3, 0.5)
    assert (options.stop_after, options.label_scaling) == (None, "minmax")
    network = Resnet.of(options, 4901, Targets.ABUNDANCES).network
    assert network.labels.out_features == 21
    assert network.classes is None
