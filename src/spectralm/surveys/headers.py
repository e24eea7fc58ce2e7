"""Values of a spectrum's header that catalogues may lack."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from astropy.io import fits

from spectralm.errors import InputError
from spectralm.surveys.cells import LOWEST
from spectralm.surveys.fitsbytes import read_primary_header

CARDS = ("TELESCOP", "OBSID", "DATE", "SNRR", "SNRI", "SN_R", "SN_I")
THREADS = 8
BATCH = 10_000


@dataclass(frozen=True)
class HeaderValues:
    """Values of one header; None where a card is missing."""

    obsid: int | None = None
    """None if the header is not LAMOST's."""
    snrr: float | None = None
    snri: float | None = None
    date: str = ""
    """When the pipeline wrote the file, ISO 8601."""
    error: str | None = None
    """Why the header cannot be read."""


class HeaderCache:
    """Reads the header of each file once."""

    def __init__(self) -> None:
        self._values: dict[str, HeaderValues] = {}

    def read(self, paths: Sequence[str]) -> list[HeaderValues]:
        """The header values of each file, in order."""
        new = [path for path in dict.fromkeys(paths) if path not in self._values]
        with ThreadPoolExecutor(THREADS) as threads:
            for start in range(0, len(new), BATCH):
                batch = new[start : start + BATCH]
                self._values.update(zip(batch, threads.map(read_header, batch), strict=True))
        return [self._values[path] for path in paths]


def read_header(path: str) -> HeaderValues:
    """Read the primary header of a file (SN_R and SN_I are SNRR and SNRI of DR1 and DR2)."""
    try:
        header = read_primary_header(Path(path), CARDS)
        obsid = header.get("OBSID")
        return HeaderValues(
            obsid=obsid if header.get("TELESCOP") == "LAMOST" and _is_whole(obsid) else None,
            snrr=_snr(header, ("SNRR", "SN_R")),
            snri=_snr(header, ("SNRI", "SN_I")),
            date=str(header.get("DATE", "")),
        )
    except (InputError, fits.VerifyError) as error:
        return HeaderValues(error=str(error))


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _snr(header: fits.Header, cards: Iterable[str]) -> float | None:
    """The first of the cards that holds a number other than a missing-value code."""
    values = (header.get(card) for card in cards)
    return next((float(v) for v in values if isinstance(v, int | float) and v > LOWEST), None)
