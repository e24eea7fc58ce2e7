"""Options of samples and splits."""

from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from spectralm.errors import SpectraLMError
from spectralm.labels.vocabulary import CLASSES
from spectralm.options import Options


class Strata(StrEnum):
    """The groups of spectra from which shards are filled."""

    CLASS = "class"
    """Each shard has the same number of spectra of each class (stage 1)."""
    NONE = "none"
    """Shards are filled without regard to class (stage 2)."""


class SampleOptions(Options):
    """Balanced, nested shards split by star (paper III.1 and IV.1)."""

    shard_size: int = Field(default=5000, gt=0)
    """Spectra in a shard, in stage 1 the same number of each class; a scale is a number of shards.
    Another size changes all shards."""

    external: int = Field(default=20000, gt=0)
    """Spectra of each survey for external evaluation, a multiple of the shard size; only those of
    test stars are evaluated."""

    test_fraction: float = Field(default=0.2, gt=0, lt=1)
    """Fraction of the stars, and of each class in each shard, that no model is trained on."""

    validation_fraction: float = Field(default=0.02, ge=0, lt=1)
    """Fraction of the other stars that is not trained on but decides when to stop."""

    seed: int = 0
    """Another number gives other splits and shards."""

    require_balance: bool = False
    """Whether too few spectra of a class for its part of a shard are an error, not a warning."""

    @property
    def per_class(self) -> int:
        """Spectra of each class in a full shard."""
        return self.shard_size // len(CLASSES)

    @property
    def quotas(self) -> dict[str, int]:
        """Spectra of each class in each split of a full shard with balanced classes."""
        return self.divide(self.per_class)

    def divide(self, spectra: int) -> dict[str, int]:
        """How many of a number of spectra are in each split."""
        test = round(spectra * self.test_fraction)
        rest = spectra - test
        validation = round(rest * self.validation_fraction)
        if self.validation_fraction:
            validation = max(validation, 1)
        return {"train": rest - validation, "validation": validation, "test": test}

    @model_validator(mode="after")
    def _fills_every_split(self) -> Self:
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
