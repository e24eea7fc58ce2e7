"""Mean and width of a probability distribution over numbers."""

import numpy as np

from spectralm.normal import ONE_SIGMA_QUANTILES

#: Quantiles between which the mean is taken.
CENTRAL = 0.025, 0.975


def half_width(edges: np.ndarray, probabilities: np.ndarray) -> float:
    """Half the width of the central 68.27 % of a distribution; sigma, if it is normal.

    The tails would dominate the standard deviation (docs/training_facts.md).

    Args:
        edges: of the bins, ascending [n + 1]; within a bin the probability is uniform.
        probabilities: of the bins [n]; their sum need not be 1.
    """
    low, high = np.interp(ONE_SIGMA_QUANTILES, _cumulated(probabilities), edges)
    return float(high - low) / 2


def mean(edges: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean of the central 95 % of a distribution.

    A model gives every number some probability, however far it is, and a few thousandths of it move
    the mean by 20 K (docs/training_facts.md).

    Args:
        edges: of the bins, ascending [n + 1].
        probabilities: of the bins [n]; their sum need not be 1.
    """
    weights = np.diff(np.clip(_cumulated(probabilities), *CENTRAL))
    return float(np.average((edges[:-1] + edges[1:]) / 2, weights=weights))


def _cumulated(probabilities: np.ndarray) -> np.ndarray:
    cumulated = np.concatenate([[0.0], np.cumsum(probabilities, dtype=float)])
    return cumulated / cumulated[-1]
