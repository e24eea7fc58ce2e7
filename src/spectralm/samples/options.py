"""How the sample is drawn and split."""

from enum import StrEnum

from pydantic import Field, model_validator

from spectralm.errors import SpectraLMError
from spectralm.labels.vocabulary import CLASSES
from spectralm.options import Options


class Strata(StrEnum):
    """Within which groups of spectra shards are filled."""

    CLASS = "class"
    """Each shard has as many spectra of each class (stage 1)."""
    NONE = "none"
    """Spectra fill the shards whatever their class (stage 2)."""


class SampleOptions(Options):
    """Balanced, nested shards split by star (paper III.1 and IV.1)."""

    shard_size: int = Field(default=5000, gt=0)
    """Spectra in a shard, in stage 1 as many of each class; a scale is a number of shards. Another
    size deals all shards anew."""

    external: int = Field(default=20000, gt=0)
    """Spectra of each survey that judges from outside, in whole shards; only those of stars of the
    test split are looked at."""

    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Share of the stars, and of each class in each shard, that no model is trained on."""

    validation_fraction: float = Field(default=0.02, ge=0, lt=1)
    """Share of the other stars that is kept from training to tell when to stop."""

    seed: int = 0
    """Another number splits the stars and deals the spectra otherwise."""

    require_balance: bool = False
    """Whether a class too rare to fill its part of a shard is an error rather than a warning."""

    @property
    def per_class(self) -> int:
        """Spectra of each class in a full shard."""
        return self.shard_size // len(CLASSES)

    @property
    def quotas(self) -> dict[str, int]:
        """Spectra of each class in each split of a full shard that is dealt by class."""
        return self.divide(self.per_class)

    def divide(self, spectra: int) -> dict[str, int]:
        """How many of so many spectra are in each split."""
        test = round(spectra * self.test_fraction)
        rest = spectra - test
        validation = round(rest * self.validation_fraction)
        if self.validation_fraction:
            validation = max(validation, 1)
        return {"train": rest - validation, "validation": validation, "test": test}

    @model_validator(mode="after")
    def _fills_every_split(self) -> "SampleOptions":
        if self.shard_size % len(CLASSES):
            raise ValueError(
                f"shard_size {self.shard_size} is no multiple of {len(CLASSES)} classes"
            )
        if not (self.quotas["train"] > 0 and self.quotas["test"] > 0):
            raise ValueError(
                f"a shard of {self.shard_size} would hold {self.quotas} of each class; "
                "make shard_size larger"
            )
        return self

    def shards(self, scale: int) -> int:
        """Number of shards of a scale (spectra).

        Raises:
            SpectraLMError: the scale is no multiple of the shard size.
        """
        if scale <= 0 or scale % self.shard_size:
            raise SpectraLMError(
                f"scale {scale} is no multiple of shard_size {self.shard_size}; change one of them"
            )
        return scale // self.shard_size
