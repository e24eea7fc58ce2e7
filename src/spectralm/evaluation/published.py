"""The paper's numbers (arXiv:2605.22162), as they lie in ``resources/published``."""

import csv
from collections.abc import Sequence
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


def find_published(paths: Sequence[Path], number: int) -> list[Published]:
    """The numbers of one of the paper's tables, among files tableN.csv.

    Raises:
        InputError: it is not among them, or see :func:`read_published`.
    """
    for path in paths:
        if path.stem == f"table{number}":
            return read_published(path)
    raise InputError(f"table{number}.csv", "published", "not given", "give it with --published")


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
