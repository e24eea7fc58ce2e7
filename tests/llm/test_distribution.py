"""Means and widths of some distributions with known ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from spectralm.llm.distribution import half_width, mean

EDGES = np.arange(1001) - 0.5


@given(st.floats(200, 800), st.floats(4, 50))
def test_the_half_width_of_a_normal_distribution_is_sigma(centre, sigma):
    probabilities = np.diff(norm.cdf(EDGES, centre, sigma))
    assert half_width(EDGES, probabilities) == pytest.approx(sigma, rel=0.02)


@given(st.floats(200, 800), st.floats(1, 50))
def test_the_mean_of_a_normal_distribution_is_its_own(centre, sigma):
    probabilities = np.diff(norm.cdf(EDGES, centre, sigma))
    assert mean(EDGES, 3 * probabilities) == pytest.approx(centre, abs=0.1)


@given(st.floats(50, 950), st.floats(0, 0.02))
def test_little_probability_far_away_does_not_move_the_mean(centre, far):
    probabilities = (1 - far) * np.diff(norm.cdf(EDGES, centre, 5)) + far / 1000
    assert mean(EDGES, probabilities) == pytest.approx(centre, abs=0.3)
    assert mean(EDGES, np.eye(1000)[7]) == 7


def test_tails_do_not_widen_it_and_a_single_number_has_the_width_of_a_step():
    probabilities = np.diff(norm.cdf(EDGES, 500, 5))
    assert half_width(EDGES, probabilities + 0.03 / 1000) == pytest.approx(5, rel=0.1)
    assert half_width(EDGES, np.eye(1000)[7]) == pytest.approx(0.341, abs=0.001)
