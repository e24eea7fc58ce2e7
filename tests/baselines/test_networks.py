"""Training of networks: standardisation, loss, schedules, early stopping."""

import math
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from baselines.conftest import SMALL, Shards, task, train
from torch import nn

from spectralm.baselines.kinds.cnn import Cnn
from spectralm.baselines.kinds.gru import Gru
from spectralm.baselines.kinds.mlp import Mlp
from spectralm.baselines.kinds.resnet import Resnet
from spectralm.baselines.network import loss_of, moments
from spectralm.baselines.registry import BASELINES
from spectralm.baselines.split import Split
from spectralm.errors import InputError, SpectraLMError
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import Targets

QUICK = {"channels": [4], "hidden": 8}


def noise(shards: Shards, folder) -> Shards:
    """The shards with labels that do not depend on the pixels."""
    rng = np.random.default_rng(5)
    return shards.with_columns(
        folder, teff=lambda table: pa.array(rng.normal(5000, 300, len(table)))
    )


def test_pixels_and_labels_are_standardised_by_the_training_split_alone(shards, trained):
    manifest = read_parquet(shards.samples)
    table = read_parquet(shards.spectra)
    stars = manifest.take(pc.index_in(table["obsid"], manifest["obsid"]))
    learnt = pc.equal(stars["split"], "train").to_numpy()
    flux = np.array(table["flux"].to_pylist())[learnt]
    labels = np.stack([stars[name].to_numpy() for name in ("teff", "logg", "feh")], 1)[learnt]
    network = trained["cnn"][0].network
    for name, values in (("pixel", flux), ("label", labels)):
        mean, scale = getattr(network, f"{name}_mean"), getattr(network, f"{name}_scale")
        np.testing.assert_allclose(mean.numpy(), values.mean(axis=0), rtol=1e-6)
        np.testing.assert_allclose(scale.numpy(), values.std(axis=0), rtol=1e-5)


def test_a_split_has_the_flux_of_the_shards_in_order_of_obsid(shards, tmp_path):
    split = Split.open(task("cnn", shards, tmp_path), "train")
    table = read_parquet(shards.spectra)
    rows = pc.index_in(pa.array(split.obsid), table["obsid"])
    assert rows.null_count == 0
    assert (np.diff(split.obsid) > 0).all()
    np.testing.assert_array_equal(split.flux, table.take(rows)["flux"].to_pylist())
    assert isinstance(split.flux, np.memmap)


def test_moments_leave_out_what_is_missing_and_never_divide_by_zero():
    values = np.random.default_rng(0).normal(5000, 3, (1300, 3))
    values[::2, 1] = np.nan
    values[:, 2] = 7
    mean, scale = moments(values)
    np.testing.assert_allclose(mean, np.nanmean(values, axis=0))
    np.testing.assert_allclose(scale[:2], np.nanstd(values, axis=0)[:2])
    assert scale[2] == 1


def test_missing_labels_do_not_enter_the_loss():
    rng = torch.manual_seed(0)
    scores, labels = torch.randn(6, 5, generator=rng), torch.randn(6, 3, generator=rng)
    classes = torch.tensor([0, 1, 2, 3, 4, 0])
    truth = torch.zeros(6, 3)
    truth[2:, 1] = math.nan
    labels.requires_grad_()
    loss = loss_of(scores, labels, classes, truth, 50.0)
    known = truth.isfinite()
    expected = nn.CrossEntropyLoss()(scores, classes) + 50 * labels[known].square().mean()
    assert loss.item() == pytest.approx(expected.item())
    loss.backward()
    assert torch.equal(labels.grad != 0, known)
    nothing = loss_of(scores, labels, classes, truth * math.nan, 50.0)
    assert nothing.item() == pytest.approx(nn.CrossEntropyLoss()(scores, classes).item())
    no_class = loss_of(scores[:, :0], labels, classes, truth, 50.0)
    assert no_class.item() == pytest.approx(50 * labels[known].square().mean().item())


def test_labels_that_some_stars_lack_are_fitted_to_the_others(shards, tmp_path):
    def gaps(table):
        return pc.if_else(pc.equal(pc.bit_wise_and(table["obsid"], 1), 0), None, table["feh"])

    given = shards.with_columns(tmp_path, feh=gaps)
    for kind in ("cnn", "lightgbm"):
        _, training = train(kind, given, tmp_path / kind, **SMALL[kind])
        _, whole = train(kind, shards, tmp_path / f"{kind} whole", **SMALL[kind])
        assert training.n_train == whole.n_train
        assert whole.metrics["rms_feh"] < training.metrics["rms_feh"] < 0.2  # of 0.29


def test_a_plateau_lowers_the_learning_rate_and_then_ends_the_training(shards, tmp_path):
    _, training = train(
        *("cnn", noise(shards, tmp_path), tmp_path / "workspace"),
        **QUICK,
        **{"learning_rate": 0.01, "patience": 2, "factor": 0.5, "stop_after": 5},
    )
    history = training.metrics["history"]
    assert len(history) < 80
    assert training.metrics["best_epoch"] == len(history) - 5
    best, waited, rate = math.inf, 0, 0.01
    for epoch in history:
        assert epoch["learning_rate"] == pytest.approx(rate)
        waited = 0 if epoch["validation_loss"] < best else waited + 1
        best = min(best, epoch["validation_loss"])
        if waited == 2:
            rate, waited = rate / 2, 0
    assert rate < 0.01


def test_a_plateau_need_not_end_the_training(shards, tmp_path):
    given = noise(shards, tmp_path)
    options = QUICK | {"learning_rate": 0.03, "epochs": 12}
    _, ended = train("cnn", given, tmp_path / "1", **options, stop_after=1)
    _, whole = train("cnn", given, tmp_path / "2", **options, stop_after=None)
    assert len(ended.metrics["history"]) < len(whole.metrics["history"]) == 12


def test_the_weights_are_those_of_the_best_epoch(shards, tmp_path):
    given = noise(shards, tmp_path)
    options = QUICK | {"schedule": "cosine", "learning_rate": 0.03}
    model, training = train("cnn", given, tmp_path / "long", epochs=8, **options)
    best = training.metrics["best_epoch"]
    assert best < 8
    split = Split.open(task("cnn", given, tmp_path / "long", **QUICK), "validation")
    network = model.network.eval()
    scores, labels = network(torch.from_numpy(split.flux.astype(np.float32)))
    truth = (torch.from_numpy(split.labels) - network.label_mean) / network.label_scale
    loss = loss_of(scores, labels, torch.from_numpy(split.classes), truth, 50.0)
    assert float(loss) == pytest.approx(training.metrics["validation_loss"], rel=1e-5)


def test_a_cosine_schedule_ends_at_zero(shards, tmp_path):
    _, training = train("cnn", shards, tmp_path, **QUICK, schedule="cosine", epochs=4)
    rates = [epoch["learning_rate"] for epoch in training.metrics["history"]]
    expected = [0.5e-3 * (1 + math.cos(math.pi * epoch / 4)) for epoch in range(4)]
    assert rates == pytest.approx(expected, rel=1e-6)


def test_a_training_that_diverges_says_so(shards, tmp_path):
    with pytest.raises(SpectraLMError, match=r"validation loss is .* lower learning_rate"):
        train("cnn", shards, tmp_path, **QUICK, learning_rate=1e30)


@pytest.mark.parametrize("kind", ["cnn", "lightgbm"])
def test_without_validation_spectra_there_is_an_error(shards, tmp_path, kind):
    def train_instead(table):
        return pc.if_else(pc.equal(table["split"], "validation"), "train", table["split"])

    given = shards.with_columns(tmp_path, split=train_instead)
    with pytest.raises(InputError, match=r"no validation .* samples\.validation_fraction"):
        train(kind, given, tmp_path / "workspace", **SMALL[kind])


def test_resnet_50_has_fifty_layers_and_the_papers_recipe():
    options = BASELINES.options_class("resnet")()
    network = Resnet.of(options, 4901, Targets.PARAMETERS).network
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv1d)]
    shortcuts = [
        m for m in network.modules() if isinstance(getattr(m, "shortcut", None), nn.Sequential)
    ]
    assert len(convolutions) - len(shortcuts) + 1 == 50
    assert network.classes.in_features == 2048
    assert (options.epochs, options.batch_size, options.learning_rate) == (80, 32, 1e-3)
    assert (options.patience, options.factor, options.stop_after) == (3, 0.1, 7)
    assert options.regression_weight == 50


@pytest.mark.parametrize("model", [Cnn, Gru, Mlp, Resnet])
@pytest.mark.parametrize("grid", [40, 41, 246])
def test_a_network_takes_any_grid(model, grid):
    options = BASELINES.options_class(model.__name__.lower())(**SMALL[model.__name__.lower()])
    scores, labels = model.of(options, grid, Targets.PARAMETERS).network.eval()(torch.rand(2, grid))
    assert (scores.shape, labels.shape) == ((2, 5), (2, 3))


def test_gru_has_three_units():
    options = BASELINES.options_class("gru")()
    assert Gru.of(options, 4901, Targets.PARAMETERS).network.body.gru.num_layers == 3


def test_mlp_has_hidden_layers_of_the_given_widths():
    options = BASELINES.options_class("mlp")(hidden=[30, 20, 10], dropout=0.2)
    body = Mlp.of(options, 50, Targets.PARAMETERS).network.body
    widths = [(m.in_features, m.out_features) for m in body if isinstance(m, nn.Linear)]
    assert widths == [(50, 30), (30, 20), (20, 10)]
    assert [m.p for m in body if isinstance(m, nn.Dropout)] == [0.2] * 3
    assert sum(isinstance(m, nn.GELU) for m in body) == 3


def test_dropout_is_of_training_alone(shards, trained, tmp_path):
    model, _ = trained["mlp"]
    first, again = (model.predict(shards.spectra[0], shards.samples[0]) for _ in range(2))
    assert first.equals(again)
    none, _ = train("mlp", shards, tmp_path, **SMALL["mlp"] | {"dropout": 0.0})
    assert not none.predict(shards.spectra[0], shards.samples[0]).equals(first)


def test_checking_a_config_loads_neither_torch_nor_lightgbm():
    code = "import sys, spectralm.config; print({'torch', 'lightgbm'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
