"""Residuals with only what a test cares for, and the commands that show them."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from spectralm.cli import main
from spectralm.evaluation.options import EvaluationOptions
from spectralm.files import write_parquet
from spectralm.labels.vocabulary import Targets
from spectralm.schemas import residual_columns, schema

#: What the manifests of the two models that do not use the spectrum say.
CLASS_MEAN = {"looks_at_spectrum": False, "given": ["class"]}
FROM_PARAMETERS = {"looks_at_spectrum": False, "given": ["teff", "logg", "feh"]}

GIVEN_CLASS = "class_mean is given LAMOST's class of each star, and does not use the spectrum."
GIVEN_PARAMETERS = (
    "from_parameters is given LAMOST's Teff, log g and [Fe/H] of each star, and does not use the"
    " spectrum."
)


def rows_of(targets: Targets = Targets.PARAMETERS, **columns: list) -> pa.Table:
    """Residuals from their residuals; survey values are zero unless given."""
    n = len(columns["class"])
    filled = {"obsid": list(range(n)), "star_id": [f"s{i}" for i in range(n)]}
    filled |= {"status": ["parsed"] * n} | {label.name: [0.0] * n for label in targets.labels}
    filled |= columns
    return pa.table(
        [
            pa.array(filled.get(f.name, [None] * n), f.type)
            for f in schema(residual_columns(targets))
        ],
        schema=schema(residual_columns(targets)),
    )


def write_residuals(folder: Path, run: str, dataset: str, table: pa.Table) -> Path:
    """Residuals of a run against the labels of a dataset, in the file of both."""
    path = folder / "residuals" / run / f"{dataset}.parquet"
    write_parquet(path, table)
    return path


def write_manifest(folder: Path, run: str, **values: object) -> Path:
    """The manifest of a run; what is not given is left out."""
    path = folder / "models" / run / "manifest.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))
    return path


def published(repository: Path, number: int) -> Path:
    """The file of one of the paper's tables."""
    return repository / "resources" / "published" / f"table{number}.csv"


def arguments(given: dict[str, object]) -> list[str]:
    """Options of a command from its parameters; a list is an option with several values."""
    found = []
    for name, value in given.items():
        values = value if isinstance(value, list) else [value]
        if isinstance(value, EvaluationOptions):
            values = [value.model_dump_json()]
        found += ["--" + name.replace("_", "-"), *map(str, values)]
    return found


@dataclass(frozen=True)
class Written:
    """The files of a table."""

    rows: list[dict[str, str]]
    markdown: str
    latex: str


def tabulate(folder: Path, name: str, **given: object) -> Written:
    """What ``spectralm tabulate NAME`` writes, with the options given."""
    out = folder / "tables"
    assert main(["tabulate", name, *arguments(given), "--out", str(out)]) == 0
    path = out / (f"{name}-{given['at']}" if "at" in given else name)
    return Written(
        list(csv.DictReader(path.with_suffix(".csv").read_text().splitlines())),
        path.with_suffix(".md").read_text(),
        path.with_suffix(".tex").read_text(),
    )


def plot(folder: Path, name: str, **given: object) -> tuple[Path, Path]:
    """The PDF and the PNG that ``spectralm plot NAME`` writes, with the options given."""
    out = folder / "figures"
    assert main(["plot", name, *arguments(given), "--out", str(out)]) == 0
    path = out / (f"{name}-{given['at']}" if "at" in given else name)
    return path.with_suffix(".pdf"), path.with_suffix(".png")


def cell(rows: list[dict[str, str]], **keys: str) -> dict[str, str]:
    """The one row with these values; ``class_`` is the column ``class``."""
    wanted = {name.rstrip("_"): value for name, value in keys.items()}
    (row,) = [row for row in rows if row.items() >= wanted.items()]
    return row
