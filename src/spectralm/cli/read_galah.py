"""``spectralm read-galah``: GALAH's allstar file -> a table of stars."""

from pathlib import Path

from spectralm.surveys.galah import galah
from spectralm.surveys.survey import read_stars, write_stars


def run(*, catalogue: Path, smallest_snr: float, out: Path, rejects: Path, cuts: Path) -> None:
    """Read GALAH DR4's allstar file: good fits of high S/N, elements with a flag of 0."""
    write_stars(read_stars(catalogue, galah(smallest_snr)), out, rejects, cuts)
