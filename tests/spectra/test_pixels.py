"""Flux and mask as columns of a table, and in bins."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.files import read_parquet, write_parquet
from spectralm.spectra.pixels import COLUMNS, Pixels, bin_centres

#: Numbers of spectra and grid points, fraction of the grid that is masked, and a seed.
SHAPES = st.tuples(st.integers(0, 9), st.integers(1, 40), st.sampled_from([0, 0.2, 0.8, 1]))


def random_pixels(spectra: int, grid: int, fraction: float, seed: int) -> Pixels:
    """Noise over the range of int16."""
    random = np.random.default_rng(seed)
    flux = random.integers(-32767, 32768, (spectra, grid)).astype(np.int16)
    return Pixels(flux, random.random(flux.shape) < fraction)


def assert_equal(found: Pixels, expected: Pixels) -> None:
    """Assert that flux and mask are equal, with the same types."""
    for name in ("flux", "masked"):
        values, wanted = getattr(found, name), getattr(expected, name)
        assert values.dtype == wanted.dtype
        np.testing.assert_array_equal(values, wanted)


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, first=st.integers(0, 9), seed=st.integers(0, 99))
def test_pixels_are_read_as_written(tmp_path_factory, shape, first, seed):
    pixels = random_pixels(*shape, seed)
    table = pa.table(pixels.columns())
    assert table.column_names == COLUMNS
    assert_equal(Pixels.of(table), pixels)
    part = Pixels(pixels.flux[first:], pixels.masked[first:])
    assert_equal(Pixels.of(table.slice(first)), part)
    path = tmp_path_factory.mktemp("disk") / "shard.parquet"
    write_parquet(path, table, row_group_size=2)
    assert_equal(Pixels.of(read_parquet(path)), pixels)
    in_chunks = pa.concat_tables([table.slice(first), table])
    expected = Pixels(np.vstack([part.flux, pixels.flux]), np.vstack([part.masked, pixels.masked]))
    assert_equal(Pixels.of(in_chunks), expected)


def test_a_masks_first_bit_is_of_the_first_grid_point():
    masked = np.array([[True, False, False, False, False, False, False, False, False, True]])
    column = Pixels(np.zeros((1, 10), np.int16), masked).columns()["mask"]
    assert column.to_pylist() == [bytes([0b10000000, 0b01000000])]


@settings(max_examples=100, deadline=None)
@given(shape=SHAPES, width=st.integers(1, 41), seed=st.integers(0, 99))
def test_bins_are_the_means_of_a_plain_loop(shape, width, seed):
    pixels = random_pixels(*shape, seed)
    binned = pixels.binned(width)
    spectra, bins = shape[0], shape[1] // width
    assert binned.flux.shape == binned.masked.shape == (spectra, bins)
    assert (binned.flux.dtype, binned.masked.dtype) == (np.int16, bool)
    for row in range(spectra):
        for place in range(bins):
            points = range(place * width, (place + 1) * width)
            good = [point for point in points if not pixels.masked[row, point]]
            counted = [int(pixels.flux[row, point]) for point in good or points]
            assert binned.flux[row, place] == round(sum(counted) / len(counted))
            assert binned.masked[row, place] == (not good)


def test_a_bin_that_is_wholly_masked_has_its_interpolated_flux():
    flux = np.array([[100, 200, 300, 10, 20, 60]], np.int16)
    binned = Pixels(flux, np.array([[False, True, False, True, True, True]])).binned(3)
    assert binned.flux.tolist() == [[200, 30]]
    assert binned.masked.tolist() == [[False, True]]


def test_a_bin_of_one_point_is_the_point():
    pixels = random_pixels(3, 10, 0.5, 0)
    assert_equal(pixels.binned(1), pixels)


def test_points_at_the_red_end_that_fill_no_bin_are_left_out():
    pixels = random_pixels(3, 4901, 0.1, 0)
    shorter = Pixels(pixels.flux[:, :4900], pixels.masked[:, :4900])
    assert_equal(pixels.binned(20), shorter.binned(20))
    assert pixels.binned(20).flux.shape == (3, 245)


@pytest.mark.parametrize(("width", "centres"), [(1, [5, 6, 7, 8, 9]), (2, [5.5, 7.5]), (5, [7])])
def test_centres_of_bins(width, centres):
    assert bin_centres(np.arange(5.0, 10.0), width).tolist() == centres
