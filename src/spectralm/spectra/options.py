"""Options of masks, normalisation and resampling."""

from functools import cached_property
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from spectralm.options import Options

Mask = Literal["ormask", "ormask+ivar"]


class SpectraOptions(Options):
    """How spectra are masked, normalised and resampled; the defaults are the paper's (II)."""

    start: float = Field(3800.0, gt=0)
    """First wavelength of the grid, in vacuum Angstrom."""
    stop: float = 8700.0
    """Last wavelength of the grid, in vacuum Angstrom; included."""
    step: float = Field(1.0, gt=0)
    """Distance between grid points in Angstrom."""
    mask: Mask = "ormask"
    """Pixels that are masked: those with ORMASK other than 0, or also those with IVAR <= 0."""
    normalise: Literal["spectrum", "grid", "continuum"] = "spectrum"
    """Flux is divided by its maximum over the whole spectrum (the paper) or over the grid, or by
    twice its running mean. The continuum is then 0.5, independent of reddening and flux
    calibration, and values are clipped to 0 to 0.999, so that each is one three-digit token."""
    continuum_width: float = Field(1000.0, gt=0)
    """Width in Angstrom of the running mean; used with `normalise: continuum` only."""
    longest_cubic_gap: int = Field(5, ge=0)
    """Longest run of masked pixels that the spline crosses; longer runs get a straight line."""
    largest_masked_fraction: float = Field(0.5, ge=0, le=1)
    """Spectra with a larger fraction of the grid masked or not covered are refused."""
    rest_frame: bool = False
    """Shift each spectrum to rest by the redshift of the catalogue before resampling."""

    @model_validator(mode="after")
    def _whole_steps(self) -> Self:
        steps = (self.stop - self.start) / self.step
        if steps < 1 or abs(steps - round(steps)) > 1e-6:
            raise ValueError(f"from start to stop must be whole steps, at least one: {steps:g}")
        return self

    @property
    def size(self) -> int:
        """Number of grid points."""
        return round((self.stop - self.start) / self.step) + 1

    @cached_property
    def grid(self) -> np.ndarray:
        """The grid [size], vacuum Angstrom, float64; read-only."""
        grid = self.start + self.step * np.arange(self.size)
        grid.flags.writeable = False
        return grid
