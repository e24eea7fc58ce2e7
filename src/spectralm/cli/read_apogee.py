"""``spectralm read-apogee``: APOGEE's allStar file -> a table of stars."""

from pathlib import Path

from spectralm.surveys.apogee import APOGEE
from spectralm.surveys.survey import read_stars, write_stars


def run(*, catalogue: Path, out: Path, rejects: Path, cuts: Path) -> None:
    """Read APOGEE DR16's allStar file: good fits, each star once, elements with a flag of 0."""
    write_stars(read_stars(catalogue, APOGEE), out, rejects, cuts)
