"""Tables 2 to 4: stellar parameters by class, ours beside the paper's."""

from collections.abc import Iterable, Iterator

from spectralm.evaluation.cells import COUNTED, FLOOR, TRUTH, ZERO_POINTS, count, percent
from spectralm.evaluation.comparison import NO_VALUE, Compared, Numbers, Pair, Value, pair_up
from spectralm.evaluation.comparison_cells import floor_cells, moments
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.published import find_published
from spectralm.evaluation.render import LABEL_HEADS, NOTHING, Panel, Rows, Table, sentences
from spectralm.evaluation.runs import Manifest, RunName
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import CLASSES, PARAMETERS

DATASET = "lamost"


def parameter_rows(inputs: Inputs, number: int) -> list[Compared]:
    """Mu and sigma per class and label, and the counts and costs of each model."""
    published = find_published(inputs.published, number)
    pairs = pair_up(published, inputs.statistics, (DATASET, inputs.scale), inputs.options)
    return [row for pair in pairs for row in _rows(pair, inputs.trainings.get(pair.run))]


def _rows(pair: Pair, training: Manifest | None) -> Iterator[Compared]:
    for class_ in (*CLASSES, ALL):
        for label in PARAMETERS:
            row = pair.ours.get((class_, label.name))
            theirs = [pair.published.get((class_, label.name, name)) for name in ("mu", "sigma")]
            mean = (row.mean, row.mean_low, row.mean_high) if row else NO_VALUE
            std = (row.std, row.std_low, row.std_high) if row else NO_VALUE
            yield pair.row(class_, label.name, "mu", mean, label.unit, theirs[0])
            yield pair.row(class_, label.name, "sigma", std, label.unit, theirs[1])
        first = pair.ours.get((class_, PARAMETERS[0].name))
        for quantity in ("n", "unparsed", "accuracy"):
            yield pair.row(class_, "", quantity, _alone(first, quantity))
    for label in PARAMETERS:
        row = pair.ours.get((ALL, label.name))
        yield pair.row(ALL, label.name, "floor_ratio", _alone(row, "floor_ratio"))
        yield pair.row(ALL, label.name, "truth_sigma", _alone(row, "truth_std"), label.unit)
    for quantity, unit in (("parameters", ""), ("seconds", "s")):
        yield pair.row("", "", quantity, _alone(training, quantity), unit)


def _alone(known: object, quantity: str) -> Value:
    """A value without interval; none of nothing."""
    return getattr(known, quantity, None), None, None


def parameter_table(rows: Iterable[Compared], inputs: Inputs, papers: str) -> Table:
    """Ours | published | difference per model and class, then what each model costs and attains.

    Args:
        rows: the tidy table.
        inputs: for the manifests, the options and our scale.
        papers: the paper's sample, in words.
    """
    numbers = Numbers(rows)
    first = next(iter(numbers.models.values()))
    explained = (
        "For each label ours, the paper's, and the difference, ours − the paper's, of μ; of σ: "
        "mean μ ± standard deviation σ (ddof = 0) of the residuals, predicted − survey. N counts "
        "our test spectra, also those without an answer."
    )
    notes = inputs.notes(row.run for row in numbers.models.values() if not row.status)
    heads = [part for head in LABEL_HEADS for part in (head, "paper", "difference")]
    blocks = {
        f"{model} ({row.status or row.run})": _lines(numbers, model)
        for model, row in numbers.models.items()
    }
    scale = RunName.of(first.run).scale
    caption = (
        f"Table {first.table} of arXiv:2605.22162 beside ours. The paper's is of a sample of "
        f"{papers} spectra, ours of {scale:,} spectra from {DATASET}."
    )
    panel = Panel(
        sentences(explained, notes),
        ("Class", "N", *heads),
        "lr" + "ccc" * len(PARAMETERS),
        blocks,
    )
    return Table(caption, [panel, _summary(numbers)], inputs.options.note)


def _lines(numbers: Numbers, model: str) -> Rows:
    status = numbers.models[model].status.partition(":")[0]
    rows = []
    for class_ in (*CLASSES, ALL):
        n = numbers.ours(model, class_, "", "n")
        cells = [class_, status if n is None else count(n)]
        for label in PARAMETERS:
            cells += moments(numbers, model, class_, label)
        rows.append(tuple(cells))
    return tuple(rows)


def _summary(numbers: Numbers) -> Panel:
    """A row per model: counts, what it took to train, and against floor and truth where known."""
    heads = ["Model", "N", "Unparsed", "Accuracy", "Trained parameters", "Training time"]
    caption = f"{COUNTED} Training time is wall time."
    keys = [(ALL, label.name) for label in PARAMETERS]
    if any(numbers.has(model, "floor_ratio", keys) for model in numbers.models):
        for label, head in zip(PARAMETERS, LABEL_HEADS, strict=True):
            heads += [f"{label.text} / floor", f"{head} − truth"]
        caption = sentences(caption, FLOOR, TRUTH, ZERO_POINTS)
    rows = tuple(_summary_row(numbers, model)[: len(heads)] for model in numbers.models)
    return Panel(caption, tuple(heads), "l" + "r" * (len(heads) - 1), {"": rows})


def _summary_row(numbers: Numbers, model: str) -> tuple[str, ...]:
    row = numbers.models[model]
    n, unparsed, accuracy = (
        numbers.ours(model, ALL, "", name) for name in ("n", "unparsed", "accuracy")
    )
    parameters, seconds = (numbers.ours(model, "", "", name) for name in ("parameters", "seconds"))
    status = row.status.partition(":")[0]
    return (
        model,
        status if n is None else count(n),
        count(unparsed),
        percent(accuracy),
        NOTHING if parameters is None else f"{parameters:,.0f}",
        NOTHING if seconds is None else duration(seconds),
        *(cell for label in PARAMETERS for cell in floor_cells(numbers, model, ALL, label)),
    )


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, with about two digits."""
    if seconds < 60:
        return f"{seconds:.2g} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
