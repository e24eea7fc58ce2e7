"""Our numbers beside the paper's: the rows of tables 1 to 8, and the pairs of models in them."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.published import Published
from spectralm.evaluation.runs import RunName
from spectralm.evaluation.statistics import ALL, Statistics
from spectralm.labels.vocabulary import CLASSES, LABELS, Label

#: In other tables our models that the paper does not have stand, too.
TABLES_OF_PAPERS_MODELS = (2, 4)


@dataclass(frozen=True)
class Compared:
    """One number of ours beside the paper's; None where there is none, never zero."""

    table: int
    dataset: str
    """Whose labels."""
    model: str
    """The paper's name of the model; ours for one that the paper does not have."""
    run: str
    """Our run; the one that would be compared, where there is none."""
    status: str
    """Empty, or why there is no run."""
    class_: str
    label: str
    quantity: str
    unit: str
    ours: float | None
    low: float | None
    high: float | None
    published: float | None
    difference: float | None
    """Ours - published."""


#: Value and interval.
Value = tuple[float | None, float | None, float | None]
NO_VALUE: Value = (None, None, None)


@dataclass(frozen=True)
class Pair:
    """A model of a table: the paper's numbers, and our run beside them."""

    place: tuple[int, str]
    """The table, and whose labels."""
    title: str
    run: str
    status: str
    ours: Mapping[tuple[str, str], Statistics]
    """By class and label; empty without a run."""
    published: Mapping[tuple[str, str, str], float]
    """By class, label and quantity; empty for a model that the paper does not have."""

    @classmethod
    def without_model(cls, table: int, dataset: str) -> Self:
        """For the numbers of a table that are of no model."""
        return cls((table, dataset), "", "", "", {}, {})

    def row(
        self,
        class_: str,
        label: str,
        quantity: str,
        value: Value,
        unit: str = "",
        published: float | None = None,
    ) -> Compared:
        """One number of the pair."""
        apart = None if value[0] is None or published is None else value[0] - published
        key = (*self.place, self.title, self.run, self.status, class_, label, quantity, unit)
        return Compared(*key, *value, published, apart)


def pair_up(
    published: Sequence[Published],
    ours: Mapping[str, Sequence[Statistics]],
    trained_on: tuple[str, int],
    options: EvaluationOptions,
) -> list[Pair]:
    """The models of a table in the paper's order, then ours that the paper does not have.

    Args:
        published: the numbers of one table, about the labels of one dataset.
        ours: statistics of each run of the table.
        trained_on: dataset and scale of our runs.
        options: our models for each of the paper's, and the runs that failed.
    """
    place = (published[0].table, published[0].dataset)
    dataset, scale = trained_on
    failed = [run for run in options.failed if RunName.of(run)[1:] == trained_on]
    pairs = []
    for title in dict.fromkeys(row.model for row in published):
        runs = [f"{model}-{dataset}-{scale}" for model in ours_for(title, options)]
        numbers = {
            (row.class_, row.label, row.quantity): row.value
            for row in published
            if row.model == title
        }
        run = _counterpart(runs, ours, failed)
        pairs.append(_pair(place, title, run, ours, numbers, options))
    if place[0] not in TABLES_OF_PAPERS_MODELS:
        shown = {pair.run for pair in pairs}
        for run in (*ours, *failed):
            if run not in shown:
                pairs.append(_pair(place, RunName.of(run).model, run, ours, {}, options))
    return pairs


def ours_for(title: str, options: EvaluationOptions) -> list[str]:
    """Our models for one of the paper's, whose own name stands for a model that we do not have."""
    return options.published.get(title) or [title]


def _counterpart(runs: list[str], ours: Container[str], failed: Container[str]) -> str:
    """The first run that there is, else the first that failed, else the first."""
    there = [run for run in runs if run in ours] or [run for run in runs if run in failed]
    return (there or runs)[0]


def _pair(
    place: tuple[int, str],
    title: str,
    run: str,
    ours: Mapping[str, Sequence[Statistics]],
    published: Mapping[tuple[str, str, str], float],
    options: EvaluationOptions,
) -> Pair:
    status = "" if run in ours else "not run"
    if run in options.failed:
        status = f"failed: {options.failed[run]}"
    rows = {(row.class_, row.label): row for row in ours.get(run, [])}
    return Pair(place, title, run, status, rows, published)


def label_rows(pairs: Sequence[Pair], default: Sequence[Label]) -> Iterator[Compared]:
    """Every number of the pairs, per class and label: tables 5 to 8.

    The labels are those of our first run, or ``default`` where there is none.
    """
    names = next((dict.fromkeys(name for _, name in pair.ours) for pair in pairs if pair.ours), {})
    labels = [LABELS[name] for name in names] or default
    for pair in pairs:
        for class_ in (*CLASSES, ALL):
            any_label = pair.ours.get((class_, labels[0].name))
            for quantity in ("n", "unparsed"):
                count: Value = (getattr(any_label, quantity, None), None, None)
                theirs = pair.published.get((class_, "", quantity))
                yield pair.row(class_, "", quantity, count, published=theirs)
            for label in labels:
                row = pair.ours.get((class_, label.name))
                for quantity, value in _values(row).items():
                    theirs = pair.published.get((class_, label.name, quantity))
                    unit = "" if quantity in ("n", "floor_ratio") else label.unit
                    yield pair.row(class_, label.name, quantity, value, unit, theirs)


def _values(row: Statistics | None) -> dict[str, Value]:
    """Value and interval of each quantity, as the paper names them."""
    if row is None:
        return dict.fromkeys(("n", "mu", "sigma", "rmse", "floor_ratio", "truth_sigma"), NO_VALUE)
    return {
        "n": (row.used, None, None),
        "mu": (row.mean, row.mean_low, row.mean_high),
        "sigma": (row.std, row.std_low, row.std_high),
        "rmse": (row.rmse, None, None),
        "floor_ratio": (row.floor_ratio, None, None),
        "truth_sigma": (row.truth_std, None, None),
    }


class Numbers:
    """The rows of a table by model, class, label and quantity."""

    def __init__(self, rows: Iterable[Compared]):
        self._rows = {(r.model, r.class_, r.label, r.quantity): r for r in rows}
        self.models = {r.model: r for r in self._rows.values() if r.model}
        """A row of each model, for its run and status."""

    def get(self, model: str, class_: str, label: str, quantity: str) -> Compared | None:
        """The row of a number, if there is one."""
        return self._rows.get((model, class_, label, quantity))

    def ours(self, model: str, class_: str, label: str, quantity: str) -> float | None:
        """Our value, if there is one."""
        row = self.get(model, class_, label, quantity)
        return row.ours if row else None

    def published(self, model: str, class_: str, label: str, quantity: str) -> float | None:
        """The paper's value, if there is one."""
        row = self.get(model, class_, label, quantity)
        return row.published if row else None

    def of_paper(self, model: str) -> bool:
        """Whether the paper has the model."""
        return any(r.published is not None for r in self._rows.values() if r.model == model)

    def has(self, model: str, quantity: str, keys: Iterable[tuple[str, str]]) -> bool:
        """Whether there is a value of ours for any of these classes and labels."""
        return any(self.ours(model, *key, quantity) is not None for key in keys)
