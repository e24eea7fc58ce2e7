"""A run's name, ``model-dataset-scale``, and what a reader must know of its model."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from spectralm.errors import InputError
from spectralm.files import read_parquet

#: What a reader must know of models that do not look at the spectrum.
_NOTES = {
    "class_mean": "is told the survey's class of each star (an oracle on class)",
    "from_parameters": (
        "is told LAMOST's Teff, log g and [Fe/H] of each star and nothing of the spectrum"
    ),
}


class RunName(NamedTuple):
    """The parts of a run's name."""

    model: str
    dataset: str
    scale: int

    @classmethod
    def of(cls, run: str) -> "RunName":
        """The parts of ``model-dataset-scale``."""
        model, dataset, scale = run.split("-")
        return cls(model, dataset, int(scale))


def run_of(file: Path) -> str:
    """The run of ``.../{run}/{dataset}.parquet`` or ``.../{run}/manifest.json``."""
    return file.absolute().parent.name


def note(run: str) -> str:
    """A sentence that must stand wherever the run is shown; empty for most."""
    model = run.split("-", maxsplit=1)[0]
    return f"{model} {_NOTES[model]}." if model in _NOTES else ""


def is_trivial(run: str) -> bool:
    """Whether a run's model does not look at the spectrum."""
    return RunName.of(run).model in _NOTES


def scale_like(published: int, runs: Iterable[tuple[str, int]], models: Iterable[str]) -> int:
    """The scale of our table beside one of the paper's, which was at scale ``published``.

    It is the one at which the most of ``models`` were run, so that the table compares what it is
    meant to; of several such, the one nearest to the paper's in ratio.

    Args:
        runs: model and scale of each run that there is; at least one.
        models: those of the table.
    """
    runs, models = list(runs), set(models)
    count = Counter(scale for model, scale in runs if model in models)
    scales = {scale for _, scale in runs}
    return max(scales, key=lambda s: (count[s], -max(s / published, published / s)))


def by_run(files: list[Path]) -> dict[str, Path]:
    """Files by their run, in the order given.

    Raises:
        InputError: a run is given twice.
    """
    runs = dict(zip(map(run_of, files), files, strict=True))
    if len(runs) < len(files):
        raise InputError(files[0], "run", "a run given twice", "give each run's file once")
    return runs


def read_runs(files: list[Path]) -> Iterator[tuple[str, pa.Table]]:
    """Runs and their tables, read one at a time in the order given; raises like :func:`by_run`."""
    for run, path in by_run(files).items():
        yield run, read_parquet(path)
