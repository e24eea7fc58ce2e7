import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.language.errors import ParseError
from spectralm.language.flux import SPELLINGS, FluxText, flux_text
from spectralm.language.options import TextOptions

GRID = tuple(3800.0 + np.arange(40))
#: Spellings that write numbers.
WRITTEN = ("paper", "compact")
TEXTS = [FluxText(spelling, GRID, marker) for spelling in WRITTEN for marker in (0, 7)]
INT16 = st.lists(st.integers(-(2**15), 2**15 - 1), min_size=40, max_size=40)


def test_paper_spelling_is_the_papers_example():
    text = FluxText("paper", GRID[:8])
    words = text.write(np.array([303, 307, 302, 298, 300, 296, 295, 297], np.int16))
    assert words == "0.303, 0.307, 0.302, 0.298, 0.3, 0.296, 0.295, 0.297"


def test_compact_spelling_of_ordinary_negative_and_bright_pixels():
    values = np.array([303, 0, -3, 1000, 1137, 2005, -1001, 999], np.int16)
    assert FluxText("compact", GRID[:8]).write(values) == "303000-003+000+137++005-+001999"


def test_markers_name_the_wavelength_of_the_pixel_that_follows():
    compact = FluxText("compact", GRID[:4], marker_every=2)
    paper = FluxText("paper", GRID[:4], marker_every=2)
    values = np.array([1, 2, 3, 4], np.int16)
    assert compact.write(values) == "[3800]001002[3802]003004"
    assert paper.write(values) == "[3800] 0.001, 0.002, [3802] 0.003, 0.004"


@pytest.mark.parametrize("spelling", WRITTEN)
def test_every_int16_survives(spelling):
    every = np.arange(-(2**15), 2**15).astype(np.int16)
    text = FluxText(spelling, tuple(range(len(every))))
    assert np.array_equal(text.read(text.write(every)), every)
    assert len(SPELLINGS[spelling].values) == 2**16


@settings(deadline=None)
@given(values=INT16, text=st.sampled_from(TEXTS))
def test_numbers_to_text_to_numbers(values, text):
    flux = np.array(values, np.int16)
    assert np.array_equal(text.read(text.write(flux)), flux)


@settings(deadline=None)
@given(values=INT16, text=st.sampled_from(TEXTS), data=st.data())
def test_a_changed_text_is_refused_or_is_another_text_of_ours(values, text, data):
    words = text.write(np.array(values, np.int16))
    place = data.draw(st.integers(0, len(words) - 1))
    character = data.draw(st.sampled_from("0123456789+-., []x٣"))
    changed = words[:place] + character + words[place + data.draw(st.integers(0, 1)) :]
    try:
        assert text.write(text.read(changed)) == changed
    except ParseError:
        assert changed != words


@pytest.mark.parametrize(
    ("spelling", "words", "complaint"),
    [
        ("paper", "0.303, 0.307", "pixel 2"),
        ("paper", "0.303, 0.307, 0.300", "no flux value"),
        ("paper", "0.303,0.307, 0.3", "is not ', '"),
        ("paper", "0.303, 0.307, 0.3, 0.1", "after the last of 3 pixels"),
        ("paper", "nan, 0.3, 0.3", "no flux value"),
        ("paper", "-0.0, 0.3, 0.3", "no flux value"),
        ("paper", "40.0, 0.3, 0.3", "no flux value"),
        ("compact", "303-000307", "no flux value"),
        ("compact", "30330730", "no flux value"),
        ("compact", "303307303 ", "after the last of 3 pixels"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(spelling, words, complaint):
    with pytest.raises(ParseError, match=complaint):
        FluxText(spelling, GRID[:3]).read(words)


def test_text_of_a_config_has_its_grid():
    text = flux_text(TextOptions(flux="compact", marker_every=10), np.array(GRID))
    assert text.write(np.zeros(40, np.int16)).count("[") == 4
    with pytest.raises(ValueError, match="39 values for 40 pixels"):
        text.write(np.zeros(39, np.int16))


def test_a_soft_text_has_no_numbers_and_cannot_be_read():
    text = FluxText("soft", GRID)
    words = {text.write(np.full(40, value, np.int16)) for value in (-1, 0, 303)}
    assert words == {""}
    with pytest.raises(ParseError, match="pixel 0"):
        text.read("")
    assert {*WRITTEN, "soft"} == SPELLINGS.keys()


@pytest.mark.parametrize("spelling", ["compact", "soft"])
def test_the_pixels_of_a_text_can_be_bins_of_the_grid(spelling):
    text = flux_text(TextOptions(flux=spelling, bin=20), 3800.0 + np.arange(4901))
    assert len(text.wavelength) == 245
    assert text.wavelength[0] == 3809.5
    assert text.wavelength[-1] == 8689.5
    assert len(text.write(np.zeros(245, np.int16))) == (735 if spelling == "compact" else 0)
