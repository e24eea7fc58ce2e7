"""The training domain of a run."""

import numpy as np
import pyarrow as pa
import pytest

from spectralm.errors import InputError
from spectralm.files import write_parquet
from spectralm.inference import describe as module
from spectralm.inference.describe import describe
from spectralm.labels.vocabulary import FEH, TEFF, Targets
from spectralm.samples.manifest import write_manifest
from spectralm.spectra.pixels import Pixels

GRID = 30


def shard(folder, number, teff, split="train"):
    """A shard of twenty spectra of noise, of stars with the same Teff; its two paths."""
    obsid = 100 * number + np.arange(20)
    flux = np.random.default_rng(number).integers(400, 600, (20, GRID)).astype(np.int16)
    spectra = {
        "obsid": obsid,
        **Pixels(flux, np.zeros(flux.shape, bool)).columns(),
        "snrr": np.full(20, 50.0),
        "masked_fraction": np.zeros(20),
    }
    stars = {"obsid": obsid, "split": [split] * 20, "teff": np.full(20, teff)}
    stars |= {"logg": np.full(20, 4.0), "feh": np.zeros(20)}
    paths = [folder / kind / f"{number:04d}.parquet" for kind in ("spectra", "samples")]
    write_parquet(paths[0], pa.table(spectra))
    write_manifest(paths[1], pa.table(stars))
    return paths


def test_labels_are_from_all_shards_and_spectra_from_the_first(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ENOUGH", 20)
    cool, hot = shard(tmp_path, 0, 4000.0), shard(tmp_path, 1, 8000.0)
    spectra, samples = zip(cool, hot, strict=True)
    both = describe(list(spectra), list(samples), Targets.PARAMETERS)
    first = describe([cool[0]], [cool[1]], Targets.PARAMETERS)
    assert np.array_equal(both.mean, first.mean)
    hotter = np.array([3999.0, 4000.0, 8000.0, 8001.0])
    assert both.outside(TEFF, hotter).tolist() == [True, False, False, True]
    assert first.outside(TEFF, hotter).tolist() == [True, False, True, True]
    assert both.outside(FEH, np.array([0.0, 0.1])).tolist() == [False, True]


def test_without_training_spectra_there_is_an_error(tmp_path):
    spectra, sample = shard(tmp_path, 0, 4000.0, "test")
    with pytest.raises(InputError, match="0 training spectra"):
        describe([spectra], [sample], Targets.PARAMETERS)
