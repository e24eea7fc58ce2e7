"""Paths of the surveys' files, and options of cuts and crossmatches."""

from typing import Literal

from pydantic import Field

from spectralm.options import Options


class LamostPaths(Options):
    """LAMOST files on this machine."""

    spectra: list[str] = Field(min_length=1)
    """Folders of LAMOST low-resolution spectra (`*.fits`, `*.fits.gz`), searched to any depth."""

    catalogues: list[str] = Field(min_length=1)
    """LAMOST stellar catalogues (A, F, G, K and M), FITS or CSV, gzipped or not."""


class LamostCuts(Options):
    """Which rows of the catalogues are used (paper III.1)."""

    smallest_snr_r: float = 2.0
    """Rows with a lower signal-to-noise ratio in band r are cut."""

    smallest_snr_i: float = 2.0
    """Rows with a lower signal-to-noise ratio in band i are cut."""

    star_radius_arcsec: float = Field(default=3.0, gt=0)
    """Spectra closer on the sky than this are of one star, whatever their ids (the fibre is 3.3
    arcsec wide)."""


class ApogeeOptions(Options):
    """APOGEE DR16, the labels of stage 2."""

    catalogue: str | None = None
    """The file allStar-r12-l33.fits; null: this survey is not used."""


class GalahOptions(Options):
    """GALAH DR4, for external evaluation."""

    catalogue: str | None = None
    """The file galah_dr4_allstar_240705.fits; null: this survey is not used."""

    smallest_snr: float = 30.0
    """Stars whose signal-to-noise ratio per pixel in CCD 3 is not above this are cut."""


class GaiaEsoOptions(Options):
    """Gaia-ESO DR5.1, for external evaluation."""

    catalogue: str | None = None
    """The catalogue GES_DR5_1_V1 of the ESO archive, FITS or CSV; null: this survey is not used."""

    sun: Literal["grevesse2007", "survey"] = "grevesse2007"
    """The solar abundances that are subtracted: those of Grevesse et al. (2007), as in APOGEE, or
    the survey's own from its spectrum of the Sun."""


class CrossmatchOptions(Options):
    """How stars of another survey are matched with LAMOST's."""

    radius_arcsec: float = Field(default=3.0, gt=0)
    """Stars farther apart on the sky are different, unless their Gaia ids are equal (the fibre is
    3.3 arcsec wide)."""

    largest_g_difference: float = Field(default=0.5, gt=0)
    """Stars whose Gaia G magnitudes differ by more (mag) are different."""

    lamost_epoch: float = Field(default=2016.0, ge=1950, le=2100)
    """Julian year of LAMOST's positions, to which proper motions are applied."""

    lamost_gaia_release: Literal["DR2", "DR3"] = "DR3"
    """Release of LAMOST's Gaia ids: DR3 in DR9 and later, DR2 in DR8."""
