"""Options of the synthetic sky: its size and its seed."""

from typing import Self

from pydantic import Field, model_validator

from spectralm.options import Options


class SkyOptions(Options):
    """A synthetic sky: stars, LAMOST's spectra of them, and the catalogues of four surveys."""

    stars: int = Field(2000, ge=20)
    """Number of stars that LAMOST has observed, with equal numbers of A, F, G, K and M stars."""

    twice: float = Field(0.12, ge=0, le=1)
    """Fraction of the stars that are observed on two nights."""

    thrice: float = Field(0.04, ge=0, le=1)
    """Fraction of the stars that are observed on three nights."""

    old_layouts: float = Field(0.08, ge=0, le=1)
    """Fraction of the spectra in the image layouts of LAMOST's older releases."""

    damaged: int = Field(8, ge=0)
    """Number of spectra whose file is damaged on purpose, with each kind of damage in turn."""

    seed: int = Field(0, ge=0)
    """Seed of the random numbers; the same options give identical files."""

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.twice + self.thrice > 1:
            total = self.twice + self.thrice
            raise ValueError(f"twice + thrice is {total:g}; it must not be above 1")
        if self.damaged > self.stars:
            raise ValueError(f"damaged is {self.damaged}; it must not be above {self.stars} stars")
        return self
