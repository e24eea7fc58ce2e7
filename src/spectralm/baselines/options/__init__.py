"""Options of the baselines.

Options of a single kind are the class ``OPTIONS`` in the module with its name here, separate from
its code, so that a config can be checked without loading torch.
"""

from typing import Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from spectralm.options import Options


class BaselineOptions(Options):
    """Options of a kind that has no other options than its name."""

    kind: str
    """The name of a module of spectralm.baselines.kinds."""

    bin: PositiveInt = 1
    """Grid points whose mean is one pixel; masked ones are left out."""


LabelScaling = Literal["standard", "minmax"]


class NetworkOptions(BaselineOptions):
    """How a network is trained (paper IV.2); Adam, and the weights of the best epoch are kept."""

    epochs: PositiveInt = 80
    """Most passes over the training spectra."""

    batch_size: PositiveInt = 32
    """Spectra per step."""

    learning_rate: PositiveFloat = 1e-3
    """Learning rate at the start."""

    schedule: Literal["plateau", "cosine"] = "plateau"
    """`plateau`: less when the validation loss stands still, and an early stop; `cosine`: down to
    0 over all epochs."""

    patience: PositiveInt = 3
    """On a plateau: the learning rate falls after so many epochs without improvement."""

    factor: float = Field(default=0.1, gt=0, lt=1)
    """On a plateau: by this factor."""

    stop_after: PositiveInt | None = 7
    """On a plateau: training ends after so many epochs without improvement; null: never."""

    regression_weight: NonNegativeFloat = 50.0
    """Loss = cross-entropy of the class (in stage 1) + this times the mean squared error of the
    scaled labels."""

    label_scaling: LabelScaling = "standard"
    """`standard`: labels minus their mean, in units of their standard deviation among the training
    spectra; `minmax`: from 0, their smallest there, to 1, their largest."""

    seed: NonNegativeInt = 0
    """Seed of the first weights and of the order of the spectra."""
