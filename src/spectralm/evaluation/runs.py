"""Runs: their names, ``model-dataset-scale``, their files and what their manifests say."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from spectralm.errors import InputError
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import LABELS, PARAMETERS


class RunName(NamedTuple):
    """The parts of a run's name."""

    model: str
    dataset: str
    scale: int

    @classmethod
    def of(cls, run: str) -> "RunName":
        """The parts of ``model-dataset-scale``."""
        model, dataset, scale = run.rsplit("-", 2)
        return cls(model, dataset, int(scale))


@dataclass(frozen=True)
class Manifest:
    """What a run's manifest.json says of its model; the defaults are those of an older one."""

    kind: str = ""
    n_train: int | None = None
    """Training spectra; None for an adapter that was trained elsewhere."""
    parameters: int | None = None
    """Trained parameters."""
    seconds: float | None = None
    """Wall time of the training."""
    looks_at_spectrum: bool = True
    given: tuple[str, ...] = ()
    """Labels of the survey, or ``class``, that the model is given at prediction."""
    git_commit: str | None = None
    """Of the code that trained it."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Of Python's packages that it was trained with."""

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read a manifest.json; other keys are left out."""
        values: dict[str, Any] = json.loads(path.read_text())
        chosen = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        return cls(**chosen | {"given": tuple(chosen.get("given", ()))})

    @property
    def reads_parameters_alone(self) -> bool:
        """Whether the model knows Teff, log g and [Fe/H] and nothing else."""
        names = tuple(label.name for label in PARAMETERS)
        return not self.looks_at_spectrum and self.given == names

    def note(self, model: str) -> str:
        """A sentence that must stand wherever the model is shown; empty for most."""
        if not self.given:
            return ""
        *most, last = (LABELS[name].text if name in LABELS else name for name in self.given)
        listed = f"{', '.join(most)} and {last}" if most else last
        looks = "" if self.looks_at_spectrum else ", and does not use the spectrum"
        return f"{model} is given LAMOST's {listed.replace('logg', 'log g')} of each star{looks}."


def is_at(run: str, place: str) -> bool:
    """Whether a run is of a place: ``dataset``, ``dataset-scale``, or its own name."""
    return f"-{place}-" in f"-{run}-"


def run_of(file: Path) -> str:
    """The run of ``.../{run}/{dataset}.parquet`` or ``.../{run}/manifest.json``."""
    return file.absolute().parent.name


def scale_like(published: int, runs: Iterable[tuple[str, int]], models: Iterable[str]) -> int:
    """The scale of our table beside one of the paper's, which was at scale ``published``.

    It is the one at which the most of ``models`` were run, so that the table compares what it is
    meant to; of several such, the one nearest to the paper's in ratio.

    Args:
        published: the paper's scale.
        runs: model and scale of each run that there is; at least one.
        models: those of the table.
    """
    runs, models = list(runs), set(models)
    count = Counter(scale for model, scale in runs if model in models)
    scales = {scale for _, scale in runs}
    return max(scales, key=lambda s: (count[s], -max(s / published, published / s)))


def by_run(files: Iterable[Path]) -> dict[str, Path]:
    """Files by their run, in the order given.

    Raises:
        InputError: a run is given twice.
    """
    files = list(files)
    runs = dict(zip(map(run_of, files), files, strict=True))
    if len(runs) < len(files):
        raise InputError(files[0], "run", "a run given twice", "give each run's file once")
    return runs


def read_runs(files: Iterable[Path]) -> Iterator[tuple[str, pa.Table]]:
    """Runs and their tables, read one at a time in the order given; raises like :func:`by_run`."""
    for run, path in by_run(files).items():
        yield run, read_parquet(path)
