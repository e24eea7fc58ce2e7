"""Constants of the normal distribution: what 68 %, one sigma and 1.4826 MAD are."""

#: Quantiles at minus and plus one sigma.
ONE_SIGMA_QUANTILES = (0.158655, 0.841345)

#: Probability within one sigma.
ONE_SIGMA = ONE_SIGMA_QUANTILES[1] - ONE_SIGMA_QUANTILES[0]

#: Standard deviation over the median absolute deviation from the median (MAD).
MAD_TO_SIGMA = 1.4826
