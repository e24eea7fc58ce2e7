"""A baseline with bins is the same baseline on spectra that were stored in these bins."""

import warnings

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from baselines.conftest import GRID, SMALL, Shards

from spectralm.baselines.registry import BASELINES
from spectralm.cli import main
from spectralm.files import read_parquet, write_parquet
from spectralm.spectra.pixels import Pixels

#: Does not divide the grid, so that a point at its red end is in no bin.
WIDTH = 3


@pytest.fixture(scope="module")
def by_hand(shards, tmp_path_factory) -> Shards:
    """The shards in bins, made with NumPy's means."""
    folder = tmp_path_factory.mktemp("by_hand")
    made = Shards([], shards.samples)
    wholly_masked = 0
    for path in shards.spectra:
        table = read_parquet(path)
        pixels = Pixels.of(table)
        shape = len(table), GRID // WIDTH, WIDTH
        flux, masked = (
            values[:, : GRID // WIDTH * WIDTH].reshape(shape)
            for values in (pixels.flux, pixels.masked)
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the mean of nothing
            means = np.nanmean(np.where(masked, np.nan, flux), axis=2)
        means = np.where(np.isnan(means), flux.mean(axis=2), means)
        wholly_masked += masked.all(axis=2).sum()
        columns = Pixels(np.rint(means).astype(np.int16), masked.all(axis=2)).columns()
        made.spectra.append(folder / path.name)
        write_parquet(made.spectra[-1], pa.table({"obsid": table["obsid"]} | columns))
    assert wholly_masked > 0
    return made


def predictions_by_commands(kind: str, shards: Shards, folder, **options) -> pa.Table:
    """Predictions for the first shard, by the commands of the rules."""
    checked = BASELINES.options_class(kind)(**SMALL[kind], **options)
    model, out = folder / "model", folder / "predictions.parquet"
    given = ["--samples", *map(str, shards.samples), "--spectra", *map(str, shards.spectra)]
    given += ["--targets", "parameters", "--options", checked.model_dump_json()]
    given += ["--workspaces", str(folder / "workspaces"), "--out", str(model)]
    assert main(["train-baseline", *given]) == 0
    given = ["--sample", str(shards.samples[0]), "--spectra", str(shards.spectra[0])]
    assert main(["predict-baseline", "--model", str(model), *given, "--out", str(out)]) == 0
    return read_parquet(out)


@pytest.mark.parametrize("kind", ["cnn", "lightgbm", "mlp", "ridge"])
def test_a_baseline_with_bins_is_that_on_binned_spectra(shards, by_hand, kind, tmp_path):
    binned = predictions_by_commands(kind, shards, tmp_path / "binned", bin=WIDTH)
    expected = predictions_by_commands(kind, by_hand, tmp_path / "by_hand")
    assert len(binned) > 50
    assert pc.count_distinct(binned["teff"]).as_py() > 30
    assert binned.equals(expected)


@pytest.mark.parametrize("kind", ["class_mean"])
def test_a_model_that_reads_no_spectrum_has_no_use_for_bins(shards, kind, tmp_path):
    binned = predictions_by_commands(kind, shards, tmp_path / "binned", bin=WIDTH)
    assert binned.equals(predictions_by_commands(kind, shards, tmp_path / "points"))


def test_a_width_of_nothing_is_refused(tmp_path, capsys):
    given = ["--samples", "--spectra", "--workspaces", str(tmp_path), "--out", str(tmp_path)]
    options = '{"kind": "ridge", "bin": 0}'
    assert main(["train-baseline", *given, "--targets", "parameters", "--options", options]) == 1
    assert "bin" in capsys.readouterr().err
