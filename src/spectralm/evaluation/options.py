"""Options of the statistics of residuals."""

from pydantic import Field

from spectralm.options import Options


class EvaluationOptions(Options):
    """How residuals are summarised."""

    bound: str | None = None
    """Table of the smallest possible error of each label by obsid, where it is known (the demo)."""
    resamples: int = Field(1000, gt=0)
    """Bootstrap resamples of the stars behind each interval."""
    seed: int = 0
    """Seed of the bootstrap."""
    interval: float = Field(0.68, gt=0, lt=1)
    """Central probability of the bootstrap intervals."""
    outlier_sigmas: float = Field(5.0, gt=0)
    """Residuals further from the median than this many robust sigmas (1.4826 MAD) are outliers."""
