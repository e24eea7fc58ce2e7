"""How large the synthetic sky is, and from which seed."""

from typing import Self

from pydantic import Field, model_validator

from spectralm.options import Options


class SkyOptions(Options):
    """A synthetic sky: stars, LAMOST's spectra of them, and what four surveys say of them."""

    stars: int = Field(2000, ge=20)
    """Stars that LAMOST has observed: as many A as F, G, K and M stars."""

    twice: float = Field(0.12, ge=0, le=1)
    """Share of the stars that are observed on two nights."""

    thrice: float = Field(0.04, ge=0, le=1)
    """Share of the stars that are observed on three nights."""

    old_layouts: float = Field(0.08, ge=0, le=1)
    """Share of the spectra written in the image layouts of LAMOST's older releases."""

    damaged: int = Field(8, ge=0)
    """Number of spectra whose file is damaged on purpose, each kind of damage in turn."""

    seed: int = Field(0, ge=0)
    """Seed of everything random: the same options make the same bytes."""

    @model_validator(mode="after")
    def _shares(self) -> Self:
        if self.twice + self.thrice > 1:
            raise ValueError(f"twice + thrice is {self.twice + self.thrice:g}; make it 1 at most")
        if self.damaged > self.stars:
            raise ValueError(f"damaged is {self.damaged} of {self.stars} stars; ask for fewer")
        return self
