"""Mean and width of a probability distribution over numbers."""

import numpy as np

from spectralm.normal import ONE_SIGMA_QUANTILES


def half_width(edges: np.ndarray, probabilities: np.ndarray) -> float:
    """Half the width of the central 68.27 % of a distribution; sigma, if it is normal.

    The tails would dominate the standard deviation (docs/training_facts.md).

    Args:
        edges: of the bins, ascending [n + 1]; within a bin the probability is uniform.
        probabilities: of the bins [n]; their sum need not be 1.
    """
    cumulated = np.concatenate([[0.0], np.cumsum(probabilities, dtype=float)])
    low, high = np.interp(ONE_SIGMA_QUANTILES, cumulated / cumulated[-1], edges)
    return float(high - low) / 2


def mean(edges: np.ndarray, probabilities: np.ndarray) -> float:
    """The mean of a distribution.

    Args:
        edges: of the bins, ascending [n + 1]; within a bin the probability is uniform.
        probabilities: of the bins [n]; their sum need not be 1.
    """
    return float(np.average((edges[:-1] + edges[1:]) / 2, weights=probabilities))
