"""``spectralm read-gaia-eso``: Gaia-ESO's catalogue -> a table of stars."""

from pathlib import Path

from spectralm.surveys.gaia_eso import Sun, gaia_eso
from spectralm.surveys.survey import read_stars, write_stars


def run(*, catalogue: Path, sun: Sun, out: Path, rejects: Path, cuts: Path) -> None:
    """Read Gaia-ESO DR5.1's catalogue: each star once, A(X) converted to [X/Fe]."""
    write_stars(read_stars(catalogue, gaia_eso(sun)), out, rejects, cuts)
