"""The paper's numbers (arXiv:2605.22162), as they lie in ``resources/published``."""

import csv
from dataclasses import dataclass
from pathlib import Path

from spectralm.errors import InputError


@dataclass(frozen=True)
class Published:
    """One number of one of the paper's tables."""

    table: int
    model: str
    """As the paper names it; empty where the table is of labels alone."""
    dataset: str
    """Where the labels are from."""
    scale: int | None
    """Spectra of the sample, training and test together; None where the paper does not say."""
    class_: str
    """The survey's class, or "All"."""
    label: str
    quantity: str
    """n, mu, sigma or rmse."""
    value: float
    unit: str


def read_published(path: Path) -> list[Published]:
    """The numbers of one file, in its order.

    Raises:
        InputError: the file is missing, or a column or a number of it is.
    """
    try:
        with open(path, newline="", encoding="utf-8") as lines:
            return [
                Published(
                    table=int(row["table"]),
                    model=row["model"],
                    dataset=row["dataset"],
                    scale=int(row["scale"]) if row["scale"] else None,
                    class_=row["class"],
                    label=row["label"],
                    quantity=row["quantity"],
                    value=float(row["value"]),
                    unit=row["unit"],
                )
                for row in csv.DictReader(lines)
            ]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(path, "published table", repr(error), "restore it from git") from error
