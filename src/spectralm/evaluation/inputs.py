"""The files that tables and figures are made of."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from spectralm.errors import InputError
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.render import sentences
from spectralm.evaluation.runs import Manifest, RunName, by_run, is_at, read_runs
from spectralm.evaluation.statistics import Statistics, statistics
from spectralm.samples.options import SampleOptions

T = TypeVar("T")


@dataclass(frozen=True)
class Inputs:
    """What tables and figures are made of; each uses some of it."""

    at: str = ""
    """What is shown, ``dataset-scale``, ``dataset``, a run or nothing; it ends the file's name."""
    options: EvaluationOptions = field(default_factory=EvaluationOptions)
    residuals: list[Path] = field(default_factory=list)
    """RUN/DATASET.parquet; another dataset than the run's own is external."""
    manifests: list[Path] = field(default_factory=list)
    """RUN/manifest.json."""
    published: list[Path] = field(default_factory=list)
    """The paper's numbers, tableN.csv."""
    samples: list[Path] = field(default_factory=list)
    """Manifests of external surveys, DATASET/SHARD.parquet."""
    catalogue: list[Path] = field(default_factory=list)
    """A crossmatched catalogue."""
    rejects: list[Path] = field(default_factory=list)
    assignment: list[Path] = field(default_factory=list)
    """The split and shard of each spectrum of a dataset."""
    tables: list[Path] = field(default_factory=list)
    """Tidy tables that a figure shows, NAME-AT.csv."""
    models: list[str] = field(default_factory=list)
    """All models of the experiment, in order: a model looks the same in all figures."""
    scales: list[int] = field(default_factory=list)
    """Scales at which the sample is counted, or that of our runs in a table of the paper."""
    sample_options: SampleOptions = field(default_factory=SampleOptions)

    def file_name(self, name: str) -> str:
        """The name of a table's or figure's file, without suffix."""
        return f"{name}-{self.at}" if self.at else name

    @cached_property
    def trainings(self) -> dict[str, Manifest]:
        """Manifests by run."""
        return {run: Manifest.read(path) for run, path in by_run(self.manifests).items()}

    @property
    def scale(self) -> int:
        """The scale of our runs. Raises InputError unless one is given."""
        return _only("scales", self.scales)

    @property
    def tidy(self) -> Path:
        """The tidy table that a figure shows. Raises InputError unless one is given."""
        return _only("tables", self.tables)

    def run(self, dataset: str | None = None) -> tuple[str, pa.Table]:
        """The one run of a figure, and its residuals against its own or another dataset.

        Raises:
            InputError: none is given, or several are.
        """
        found = self.own() if dataset is None else self.residuals_against(dataset)
        return _only("residuals", list(found))

    def own(self) -> Iterator[tuple[str, pa.Table]]:
        """Runs and their residuals on test spectra of the dataset that they were trained on."""
        return read_runs(f for f in self.residuals if f.stem == RunName.of(f.parent.name).dataset)

    def residuals_against(self, dataset: str) -> Iterator[tuple[str, pa.Table]]:
        """Runs and their residuals against the labels of one dataset."""
        return read_runs(file for file in self.residuals if file.stem == dataset)

    def note(self, run: str) -> str:
        """What a reader must know of a run's model; empty for most."""
        return self.trainings.get(run, Manifest()).note(RunName.of(run).model)

    def notes(self, runs: Iterable[str]) -> str:
        """The notes of some runs, each model's once."""
        return sentences(*dict.fromkeys(map(self.note, runs)))

    def caption(self, text: str) -> str:
        """A caption with ``{dataset}`` and ``{scale}`` of what is shown, and the failed runs."""
        *model, dataset, scale = self.at.split("-") if "-" in self.at else (self.at, "")
        reasons = self.options.failed.items()
        failed = [f"{run} ({reason})" for run, reason in reasons if is_at(run, self.at)]
        sentence = f"Failed, so not here: {', '.join(failed)}." if failed and not model else ""
        return sentences(text.format(dataset=dataset, scale=scale), sentence)

    def figure_caption(self, text: str) -> str:
        """:meth:`caption` with the note at its end."""
        return sentences(self.caption(text), self.options.note)

    @cached_property
    def statistics(self) -> dict[str, list[Statistics]]:
        """The statistics of :meth:`own` residuals by run, which several tables share."""
        return {run: statistics(run, table, self.options) for run, table in self.own()}


def _only(option: str, given: Sequence[T]) -> T:
    if len(given) != 1:
        raise InputError("command line", f"--{option}", f"{len(given)} given", "give one")
    return given[0]
