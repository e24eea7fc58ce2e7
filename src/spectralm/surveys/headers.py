"""The few facts of a spectrum's own header that catalogues may lack."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from astropy.io import fits

from spectralm.errors import InputError
from spectralm.surveys.cells import LOWEST
from spectralm.surveys.fitsbytes import read_primary_header

CARDS = ("TELESCOP", "OBSID", "DATE", "SNRR", "SNRI", "SN_R", "SN_I")
THREADS = 8
AT_ONCE = 10_000


@dataclass(frozen=True)
class Facts:
    """What a header says; None where it is silent."""

    obsid: int | None = None
    """Only where the header is LAMOST's."""
    snrr: float | None = None
    snri: float | None = None
    date: str = ""
    """When the pipeline wrote the file, ISO 8601."""
    problem: str | None = None
    """Why the header cannot be read."""


class Headers:
    """Headers of files, each read once."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}

    def read(self, paths: Sequence[str]) -> list[Facts]:
        """The facts of each file, in order; a file that cannot be read has a ``problem``."""
        new = [path for path in dict.fromkeys(paths) if path not in self._facts]
        with ThreadPoolExecutor(THREADS) as threads:
            for start in range(0, len(new), AT_ONCE):
                part = new[start : start + AT_ONCE]
                self._facts.update(zip(part, threads.map(read_facts, part), strict=True))
        return [self._facts[path] for path in paths]


def read_facts(path: str) -> Facts:
    """The facts of one file's primary header (SN_R, SN_I are DR1 and DR2's SNRR, SNRI)."""
    try:
        header = read_primary_header(path, CARDS)
        obsid = header.get("OBSID")
        return Facts(
            obsid=obsid if header.get("TELESCOP") == "LAMOST" and _is_whole(obsid) else None,
            snrr=_snr(header, ("SNRR", "SN_R")),
            snri=_snr(header, ("SNRI", "SN_I")),
            date=str(header.get("DATE", "")),
        )
    except (InputError, fits.VerifyError) as error:
        return Facts(problem=str(error))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _snr(header: fits.Header, cards: Iterable[str]) -> float | None:
    """The first of some cards that holds a number and no sentinel."""
    values = (header.get(card) for card in cards)
    return next((float(v) for v in values if isinstance(v, int | float) and v > LOWEST), None)
