"""Columns of the two tables that no survey has: what is true, and how well it can be known."""

import pyarrow as pa

from spectralm.demo.emulator import ELEMENTS
from spectralm.labels.columns import Column


def xfe_column(element: str) -> str:
    """Name of the column of [X/Fe], such as mg_fe."""
    return f"{element.lower()}_fe"


TRUTH = (
    Column("obsid", pa.int64(), "", "spectrum id"),
    Column("path", pa.string(), "", "file of the spectrum, from the sky's folder"),
    Column("star", pa.int64(), "", "number of the star; repeated observations share it"),
    Column("gaia_dr3", pa.int64(), "", "Gaia DR3's id of the star"),
    Column("gaia_dr2", pa.int64(), "", "Gaia DR2's, another one for some stars"),
    Column("type", pa.string(), "", "spectral type, before the pipeline's error"),
    Column("component", pa.string(), "", "thin, thick (discs) or halo"),
    Column("giant", pa.bool_(), "", "whether the star is a giant"),
    Column("teff", pa.float64(), "K", "effective temperature"),
    Column("logg", pa.float64(), "dex", "log10 of the surface gravity in cm/s2"),
    Column("feh", pa.float64(), "dex", "[Fe/H]"),
    *(Column(xfe_column(e), pa.float64(), "dex", f"[{e}/Fe]") for e in ELEMENTS),
    Column("velocity", pa.float64(), "km/s", "heliocentric radial velocity"),
    Column("vsini", pa.float64(), "km/s", "rotation"),
    Column("reddening", pa.float64(), "mag", "E(B-V)"),
    Column("distance", pa.float64(), "kpc", "distance"),
    Column("resolution", pa.float64(), "", "the fibre's wavelength over FWHM"),
    Column("layout", pa.string(), "", "C: table of DR9 and later; I: image of DR5 to DR8; 1: DR1"),
    Column("damage", pa.string(), "", "what was done to the file on purpose; null for most"),
)

_UNITS = {"teff": "K"}
BOUND = (
    Column("obsid", pa.int64(), "", "spectrum id"),
    *(
        Column(
            name,
            pa.float32(),
            _UNITS.get(name, "dex"),
            "smallest standard deviation of an unbiased estimate; null: the spectrum says nothing",
        )
        for name in ("teff", "logg", "feh", *map(xfe_column, ELEMENTS))
    ),
)
