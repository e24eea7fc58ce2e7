"""How wide a distribution over numbers is."""

import numpy as np

#: Probabilities between which a normal distribution has two sigmas.
LOW, HIGH = 0.158655, 0.841345


def half_width(edges: np.ndarray, chances: np.ndarray) -> float:
    """Half the range of the central 68.27 % of a distribution; sigma, if it is normal.

    The standard deviation would be that of the tails: some percent of a token's probability lie
    on numbers far from all others.

    Args:
        edges: ascending [n + 1]; the chance of each bin is spread evenly over it.
        chances: of each bin [n]; their sum need not be 1.
    """
    cumulated = np.concatenate([[0.0], np.cumsum(chances, dtype=float)])
    low, high = np.interp([LOW, HIGH], cumulated / cumulated[-1], edges)
    return float(high - low) / 2
