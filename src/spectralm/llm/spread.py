"""How wide a distribution over numbers is."""

import numpy as np

from spectralm.normal import ONE_SIGMA_QUANTILES


def half_width(edges: np.ndarray, probabilities: np.ndarray) -> float:
    """Half the range of the central 68.27 % of a distribution; sigma, if it is normal.

    The standard deviation would be that of the tails: some percent of a token's probability lie
    on numbers far from all others.

    Args:
        edges: ascending [n + 1]; the chance of each bin is spread evenly over it.
        chances: of each bin [n]; their sum need not be 1.
    """
    cumulated = np.concatenate([[0.0], np.cumsum(probabilities, dtype=float)])
    low, high = np.interp(ONE_SIGMA_QUANTILES, cumulated / cumulated[-1], edges)
    return float(high - low) / 2
