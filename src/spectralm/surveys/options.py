"""Where the surveys' files lie and which rows of them are stars for us."""

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
