"""Spectra by obsid, in memory or memory-mapped."""

from itertools import permutations

import numpy as np
import pyarrow as pa
import pytest

from spectralm.errors import InputError
from spectralm.files import write_parquet
from spectralm.spectra import store as module
from spectralm.spectra.pixels import Pixels
from spectralm.spectra.store import Store

GRID = 43
#: Obsids of the three shards, in no order.
OBSID = np.random.default_rng(0).permutation(np.arange(100, 160)).reshape(3, 20)
WANTED = [int(obsid) for obsid in OBSID[:, ::3].ravel()]


@pytest.fixture(scope="module")
def pixels() -> Pixels:
    """Spectra in the order of the obsids; the first grid point is always masked."""
    random = np.random.default_rng(1)
    flux = random.integers(-100, 1000, (OBSID.size, GRID)).astype(np.int16)
    masked = random.random(flux.shape) < 0.3
    masked[:, 0] = True
    flux[:, 1], masked[:, 1] = 500, False
    return Pixels(flux, masked)


@pytest.fixture(scope="module")
def shards(pixels, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    paths = []
    for number, obsid in enumerate(OBSID):
        rows = obsid - OBSID.min()
        columns = Pixels(pixels.flux[rows], pixels.masked[rows]).columns()
        paths.append(folder / f"{number}.parquet")
        write_parquet(paths[-1], pa.table({"obsid": obsid} | columns))
    return paths


def opened(how, shards, obsid, width, folder) -> Store:
    if how == "read":
        return Store.read(shards, obsid, width)
    folder.mkdir(exist_ok=True)
    return Store.copy(shards, obsid, width, folder)


HOW = pytest.mark.parametrize("how", ["read", "copy"])


@HOW
@pytest.mark.parametrize("width", [1, 5])
def test_spectra_are_found_by_obsid_in_any_order_of_the_shards(
    shards, pixels, how, width, tmp_path
):
    binned = pixels.binned(width)
    for number, order in enumerate(permutations(shards)):
        store = opened(how, order, reversed(WANTED), width, tmp_path / str(number))
        assert store.obsid.tolist() == sorted(WANTED)
        assert len(store) == len(WANTED)
        for obsid in WANTED:
            row = obsid - OBSID.min()
            flux, masked = store[obsid]
            assert store[obsid].dtype == np.float32
            np.testing.assert_array_equal(flux, (binned.flux[row] / 1000).astype(np.float32))
            np.testing.assert_array_equal(masked, binned.masked[row])


def test_a_copy_is_memory_mapped_and_is_made_once(shards, tmp_path):
    first = Store.copy(shards, WANTED, 5, tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert sorted(path.name for path in times) == ["flux.npy", "masked.npy"]
    again = Store.copy([*shards, shards[0].with_name("gone")], WANTED, 5, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times
    for store in (first, again):
        assert isinstance(store.pixels.flux, np.memmap)
        assert isinstance(store.pixels.masked, np.memmap)
    in_memory = Store.read(shards, WANTED, 5)
    np.testing.assert_array_equal(again.pixels.flux, in_memory.pixels.flux)
    np.testing.assert_array_equal(again.pixels.masked, in_memory.pixels.masked)


@HOW
def test_an_obsid_of_no_shard_is_refused(shards, how, tmp_path):
    with pytest.raises(InputError, match=r"0.parquet: obsid: 2 spectra .* \(7, \.\.\.\)"):
        opened(how, shards, [*WANTED, 8, 7], 1, tmp_path)
    assert not list(tmp_path.iterdir())


@HOW
def test_no_spectra(shards, how, tmp_path):
    store = opened(how, shards, [], 5, tmp_path)
    assert len(store) == 0
    assert store.pixels.flux.shape == store.pixels.masked.shape == (0, GRID // 5)


@pytest.mark.parametrize("obsid", [1, OBSID.max() + 1, OBSID[0, 1]])
def test_a_spectrum_that_is_not_in_the_store_is_a_key_error(shards, obsid):
    store = Store.read(shards, WANTED, 1)
    with pytest.raises(KeyError, match=str(obsid)):
        store[int(obsid)]


@HOW
@pytest.mark.parametrize("width", [1, 5])
def test_moments_are_numpys_without_masked_values(
    shards, pixels, how, width, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "BLOCK", 7)
    binned = pixels.binned(width)
    rows = np.array(WANTED) - OBSID.min()
    values = np.ma.array(binned.flux[rows] / 1000, mask=binned.masked[rows])
    mean, scale = opened(how, shards, WANTED, width, tmp_path).moments()
    assert mean.dtype == scale.dtype == np.float32
    np.testing.assert_allclose(mean, values.mean(axis=0).filled(0), rtol=1e-6)
    deviation = values.std(axis=0).filled(0)
    np.testing.assert_allclose(scale, np.where(deviation > 1e-9, deviation, 1), rtol=1e-6)


def test_a_point_without_a_value_or_a_spread_has_a_scale_of_1(shards):
    mean, scale = Store.read(shards, WANTED, 1).moments()
    assert (mean[0], scale[0]) == (0, 1)
    assert (mean[1], scale[1]) == (0.5, 1)
