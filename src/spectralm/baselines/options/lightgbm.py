"""Options of the gradient-boosted trees."""

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from spectralm.baselines.options import BaselineOptions


class LightgbmOptions(BaselineOptions):
    """Gradient-boosted trees; LightGBM's default values, as the paper names no others."""

    rounds: PositiveInt = 1000
    """Maximum number of boosting rounds; each adds one tree per label and one per class."""

    stop_after: PositiveInt = 50
    """Boosting stops after this many rounds without improvement on the validation spectra."""

    learning_rate: PositiveFloat = 0.1
    """Factor by which the values of each tree are multiplied."""

    leaves: int = Field(default=31, gt=1)
    """Maximum number of leaves of a tree."""

    pixel_fraction: float = Field(default=1.0, gt=0, le=1)
    """Fraction of the pixels that each tree may use, drawn for each tree."""

    seed: NonNegativeInt = 0
    """Seed of the choice of pixels, and of the spectra whose quantiles define the bins of flux."""


OPTIONS = LightgbmOptions
