"""Constants of the normal distribution."""

#: Quantiles at minus and plus one sigma.
ONE_SIGMA_QUANTILES = (0.158655, 0.841345)

#: Probability within one sigma.
ONE_SIGMA = ONE_SIGMA_QUANTILES[1] - ONE_SIGMA_QUANTILES[0]

#: Standard deviation divided by the median absolute deviation (MAD).
MAD_TO_SIGMA = 1.4826
