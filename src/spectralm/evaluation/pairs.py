"""The paper's models and ours in pairs, and their numbers beside each other."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.panels import NOTHING, csv_text, number
from spectralm.evaluation.published import Published
from spectralm.evaluation.runs import RunName
from spectralm.evaluation.statistics import Statistics
from spectralm.evaluation.tables import mean_and_sigma
from spectralm.labels.vocabulary import Label

#: In other tables ours that the paper does not have stand, too.
TABLES_OF_PAPERS_MODELS = (2, 4)


@dataclass(frozen=True)
class Pair:
    """A model of a table: the paper's numbers, and our run beside them."""

    title: str
    """The paper's name of the model; ours for one that the paper does not have."""
    run: str
    """Our run; that which there would be, where there is none."""
    status: str
    """Empty, or why there is no run."""
    ours: Mapping[tuple[str, str], Statistics]
    """By class and label; empty without a run."""
    published: Mapping[tuple[str, str, str], float]
    """By class, label and quantity (mu or sigma); empty for a model that the paper has not."""
    manifest: Mapping[str, Any]
    """What is known of the training; may be empty."""


@dataclass(frozen=True)
class Compared:
    """One number of ours beside the paper's; None where there is none, never zero."""

    table: int
    dataset: str
    """Whose labels."""
    model: str
    run: str
    status: str
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


def pair_up(
    published: list[Published],
    ours: Mapping[str, list[Statistics]],
    manifests: Mapping[str, Mapping[str, Any]],
    place: tuple[str, int],
    options: EvaluationOptions,
) -> list[Pair]:
    """The models of a table in the paper's order, then ours that the paper has not.

    Args:
        published: the numbers of one table, about the labels of one dataset.
        ours: statistics of each run of the table.
        manifests: by run; runs may be missing.
        place: dataset and scale of our table.
    """
    dataset, scale = place
    failed = [run for run in options.failed if RunName.of(run)[1:] == place]
    pairs, shown = [], set()
    for title in dict.fromkeys(row.model for row in published):
        run = _counterpart(
            [f"{m}-{dataset}-{scale}" for m in ours_for(title, options)], ours, failed
        )
        numbers = {
            (row.class_, row.label, row.quantity): row.value
            for row in published
            if row.model == title
        }
        pairs.append(_pair(title, run, ours, numbers, manifests, options))
        shown.add(run)
    if published[0].table in TABLES_OF_PAPERS_MODELS:
        return pairs
    others = [run for run in (*ours, *failed) if run not in shown]
    return pairs + [
        _pair(RunName.of(run).model, run, ours, {}, manifests, options) for run in others
    ]


def ours_for(title: str, options: EvaluationOptions) -> list[str]:
    """Our models for one of the paper's, whose own name stands for a model that we do not have."""
    return options.published.get(title) or [title]


def _counterpart(runs: list[str], ours: Container[str], failed: Container[str]) -> str:
    """The first run that there is, else the first that failed, else the first."""
    there = [run for run in runs if run in ours] or [run for run in runs if run in failed]
    return (there or runs)[0]


def _pair(
    title: str,
    run: str,
    ours: Mapping[str, list[Statistics]],
    published: Mapping[tuple[str, str, str], float],
    manifests: Mapping[str, Mapping[str, Any]],
    options: EvaluationOptions,
) -> Pair:
    status = ""
    if run in options.failed:
        status = f"failed: {options.failed[run]}"
    elif run not in ours:
        status = "not run"
    rows = {(row.class_, row.label): row for row in ours.get(run, [])}
    return Pair(title, run, status, rows, published, manifests.get(run, {}))


def tidy_csv(rows: Iterable[Compared]) -> str:
    """CSV, a row per number; empty where there is none."""
    return csv_text([field.name.rstrip("_") for field in fields(Compared)], map(astuple, rows))


def moments(pair: Pair, class_: str, label: Label) -> tuple[str, str, str]:
    """Cells of mu and sigma."""
    row = pair.ours.get((class_, label.name))
    mu, sigma = (pair.published.get((class_, label.name, part)) for part in ("mu", "sigma"))
    ours = mean_and_sigma(row, label) if row else NOTHING
    if mu is None or sigma is None:
        return ours, NOTHING, NOTHING
    paper = f"{_two(mu, label)} ± {_two(sigma, label)}"
    if row is None or row.mean is None:
        return ours, paper, NOTHING
    apart = [_two(value, label, "+") for value in (row.mean - mu, row.std - sigma)]
    return ours, paper, "; ".join(apart)


def rmse(pair: Pair, class_: str, label: Label) -> tuple[str, str, str]:
    """Cells of the root mean square."""
    row = pair.ours.get((class_, label.name))
    ours = row.rmse if row else None
    theirs = pair.published.get((class_, label.name, "rmse"))
    return (
        NOTHING if ours is None else number(ours, label),
        NOTHING if theirs is None else _two(theirs, label),
        NOTHING if None in (ours, theirs) else _two(ours - theirs, label, "+"),
    )


def _two(value: float, label: Label, sign: str = "") -> str:
    """As the paper writes it: two digits after the point of a dex."""
    return number(value, label, sign, dex_digits=2)
