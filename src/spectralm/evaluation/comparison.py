"""The paper's tables of residuals of stage 1, in the form ours | published | difference."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.panels import LABEL_HEADS, NOTHING, Panel, Rows, csv_text, number
from spectralm.evaluation.published import Published
from spectralm.evaluation.runs import RunName, note
from spectralm.evaluation.statistics import ALL, Statistics
from spectralm.evaluation.tables import COUNT_HEADS, COUNTED, counts, mean_and_sigma, over_bound
from spectralm.labels.vocabulary import CLASSES, PARAMETERS, Label

#: Table 3 compares all models, so ours that the paper does not have stand there too.
TABLE_OF_ALL = 3


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
    """The models of a table in the paper's order; in table 3 also ours that the paper has not.

    Args:
        published: the numbers of one table.
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
    if published[0].table != TABLE_OF_ALL:
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


def compared(table: int, pairs: Iterable[Pair]) -> list[Compared]:
    """Every number of the pairs: mu and sigma per class and label, and what is told per model."""
    rows = []
    for pair in pairs:
        first = (table, pair.title, pair.run, pair.status)
        for class_ in (*CLASSES, ALL):
            for label in PARAMETERS:
                rows += _moments(first, pair, class_, label)
            row = pair.ours.get((class_, PARAMETERS[0].name))
            for quantity in ("n", "unparsed", "accuracy"):
                rows.append(_alone(first, class_, "", quantity, getattr(row, quantity, None), ""))
        for label in PARAMETERS:
            row = pair.ours.get((ALL, label.name))
            ratio = getattr(row, "bound_ratio", None)
            rows.append(_alone(first, ALL, label.name, "bound_ratio", ratio, ""))
        for quantity, unit in (("parameters", ""), ("seconds", "s")):
            rows.append(_alone(first, "", "", quantity, pair.manifest.get(quantity), unit))
    return rows


def _moments(first: tuple, pair: Pair, class_: str, label: Label) -> Iterable[Compared]:
    row = pair.ours.get((class_, label.name))
    for quantity, name in (("mu", "mean"), ("sigma", "std")):
        ours, low, high = (getattr(row, f"{name}{end}", None) for end in ("", "_low", "_high"))
        theirs = pair.published.get((class_, label.name, quantity))
        difference = None if ours is None or theirs is None else ours - theirs
        yield Compared(
            *first, class_, label.name, quantity, label.unit, ours, low, high, theirs, difference
        )


def _alone(
    first: tuple, class_: str, label: str, quantity: str, ours: float | None, unit: str
) -> Compared:
    return Compared(*first, class_, label, quantity, unit, ours, None, None, None, None)


def tidy_csv(rows: Iterable[Compared]) -> str:
    """CSV, a row per number; empty where there is none."""
    return csv_text([field.name.rstrip("_") for field in fields(Compared)], map(astuple, rows))


def comparison_panels(pairs: list[Pair]) -> list[Panel]:
    """Ours | published | difference per model and class, then what each model costs and attains."""
    notes = [note(pair.run) for pair in pairs if pair.ours]
    told = (
        "For each label ours, the paper's, and the difference, ours − the paper's, of μ; of σ: "
        "mean μ ± standard deviation σ (ddof = 0) of the residuals, predicted − survey. N counts "
        "our test spectra, also those without an answer."
    )
    heads = [part for head in LABEL_HEADS for part in (head, "paper", "difference")]
    blocks = {_title(pair): _rows(pair) for pair in pairs}
    first = Panel(
        " ".join(filter(None, [told, *notes])), ("Class", "N", *heads), "lr" + "ccc" * 3, blocks
    )
    return [first, _summary(pairs)]


def _title(pair: Pair) -> str:
    return f"{pair.title} ({pair.status or pair.run})"


def _rows(pair: Pair) -> Rows:
    rows = []
    for class_ in (*CLASSES, ALL):
        cells = [class_, pair.status.partition(":")[0]]
        for label in PARAMETERS:
            row = pair.ours.get((class_, label.name))
            if row:
                cells[1] = str(row.n)
            cells += _three(pair, class_, label)
        rows.append(tuple(cells))
    return tuple(rows)


def _three(pair: Pair, class_: str, label: Label) -> tuple[str, str, str]:
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


def _two(value: float, label: Label, sign: str = "") -> str:
    """As the paper writes it: two digits after the point of a dex."""
    return number(value, label, sign, dex_digits=2)


def _summary(pairs: list[Pair]) -> Panel:
    """A row per model: counts, what it took to train, and the ratio to the bound where known."""
    rows = [_summary_row(pair) for pair in pairs]
    heads = ["Model", *COUNT_HEADS[1:], "Trained parameters", "Training time"]
    caption = f"{COUNTED} Training time is wall time."
    if any(row.bound_ratio is not None for pair in pairs for row in pair.ours.values()):
        heads += [f"{label.text} / bound" for label in PARAMETERS]
        caption += " The last columns are 1.4826 × the median of |residual| / Cramér-Rao bound."
    else:
        rows = [row[: len(heads)] for row in rows]
    return Panel(caption, tuple(heads), "l" + "r" * (len(heads) - 1), {"": tuple(rows)})


def _summary_row(pair: Pair) -> tuple[str, ...]:
    parameters, seconds = (pair.manifest.get(key) for key in ("parameters", "seconds"))
    cost = (
        NOTHING if parameters is None else f"{parameters:,}",
        NOTHING if seconds is None else duration(seconds),
    )
    row = pair.ours.get((ALL, PARAMETERS[0].name))
    if row is None:
        nothing = (NOTHING,) * (2 + len(cost) + len(PARAMETERS))
        return pair.title, pair.status.partition(":")[0], *nothing
    ratios = (over_bound(pair.ours[ALL, label.name], label) for label in PARAMETERS)
    return pair.title, *counts(row)[1:], *cost, *ratios


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, with about two digits."""
    if seconds < 60:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
