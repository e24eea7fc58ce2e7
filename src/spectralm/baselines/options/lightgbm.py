"""Options of the gradient-boosted trees."""

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from spectralm.baselines.options import BaselineOptions


class LightgbmOptions(BaselineOptions):
    """Gradient-boosted trees: LightGBM's defaults, which the paper does not say to have changed."""

    rounds: PositiveInt = 1000
    """Most rounds of boosting; a round is a tree for each label, and one for each class."""

    stop_after: PositiveInt = 50
    """Boosting ends after so many rounds without improvement on the validation spectra."""

    learning_rate: PositiveFloat = 0.1
    """Share of each tree's values that is added."""

    leaves: int = Field(default=31, gt=1)
    """Most leaves of a tree."""

    pixel_fraction: float = Field(default=1.0, gt=0, le=1)
    """Share of the pixels that each tree may use, drawn anew."""

    seed: NonNegativeInt = 0
    """Seed of those draws, and of the choice of spectra whose quantiles bin the flux."""


OPTIONS = LightgbmOptions
