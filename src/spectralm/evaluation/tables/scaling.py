"""Residuals on one common test set by the number of training spectra, and fitted power laws."""

from collections.abc import Callable, Sequence

from spectralm.errors import InputError
from spectralm.evaluation.cells import interval_caption, sigmas
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.published import read_published
from spectralm.evaluation.render import LABEL_HEADS, NOTHING, Panel, Rows, Table, number, sentences
from spectralm.evaluation.runs import RunName, by_run
from spectralm.evaluation.scaling import Law, Point, Scaling, published_scaling, scaling
from spectralm.evaluation.scaling_rows import OURS, PAPER, ScalingRow, rows_of, scaling_of
from spectralm.evaluation.statistics import MAD, STD
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import PARAMETERS, Label

TITLE = "Scaling with data"
CAPTION = "Residuals by the number of training spectra from {dataset}."
EMPTY = "Empty: no model was run at several scales, so there is no scaling to show."
Row = ScalingRow

_FIT_HEADS = ("Model", "Scales", "Sigma", *(label.text for label in PARAMETERS))


def rows(inputs: Inputs) -> list[ScalingRow]:
    """Sigmas and laws of models with several runs, then the paper's.

    Raises:
        InputError: a manifest of these does not have the number of training spectra.
    """
    files = by_run(inputs.residuals)
    models = [RunName.of(run).model for run in files]
    several = [run for run in files if models.count(RunName.of(run).model) > 1]
    n_train = {run: _n_train(run, inputs) for run in several}
    ours = scaling({run: read_parquet(files[run]) for run in several}, n_train, inputs.options)
    paper = published_scaling([row for path in inputs.published for row in read_published(path)])
    return [*rows_of(OURS, ours), *rows_of(PAPER, paper)]


def _n_train(run: str, inputs: Inputs) -> int:
    training = inputs.trainings.get(run)
    if training is None or training.n_train is None:
        raise InputError(
            f"manifest of {run}", "n_train", "no number of training spectra", "train it again"
        )
    return training.n_train


def table(rows: Sequence[ScalingRow], inputs: Inputs) -> Table:
    """The sigmas by training spectra, then the fitted exponents; the paper's below ours."""
    ours, paper = scaling_of(OURS, rows), scaling_of(PAPER, rows)
    caption = inputs.caption(CAPTION if ours.points else f"{CAPTION} {EMPTY}")
    panels = _our_panels(ours, inputs) if ours.points else []
    return Table(caption, [*panels, *_paper_panels(paper)], inputs.options.note)


def _our_panels(ours: Scaling, inputs: Inputs) -> list[Panel]:
    notes = [inputs.note(run) for run in inputs.trainings if RunName.of(run).model in ours.models]
    explained = (
        "Standard deviation σ (ddof = 0) of the residuals [interval]; 1.4826 MAD, on one common "
        f"test set for all: the {ours.points[0].n} test spectra of scale {ours.test_scale:,}. "
        f"Intervals: {interval_caption(inputs.options)}"
    )
    sizes = Panel(
        sentences(explained, *dict.fromkeys(notes)),
        ("Scale", "Training spectra", *LABEL_HEADS),
        "rrccc",
        {model: _sizes(ours, model, _sigma_cell) for model in ours.models},
    )
    fits = Panel(
        "Exponent b of the power law σ = a N^−b, N the number of training spectra, fitted in "
        "logarithms with equal weights [interval; scatter: the root mean square of ln σ about the "
        "law]. Two scales give a line and no goodness of fit. The interval is of the test stars "
        "alone: how much another training would differ is not in it. As a percentile interval of "
        "a median it need not hold the value itself.",
        _FIT_HEADS,
        "lrlccc",
        {"": tuple(row for model in ours.models for row in _exponents(ours, model))},
    )
    return [sizes, fits]


def _paper_panels(paper: Scaling) -> list[Panel]:
    """The paper's sigmas of all classes (its tables 2 to 4), and the lines through them."""
    sizes = Panel(
        "The paper's σ, each on the test set of its own scale; training spectra are 0.8 of it.",
        ("Scale", "Training spectra", *LABEL_HEADS),
        "rrccc",
        {f"{model} (paper)": _sizes(paper, model, _plain_cell) for model in paper.models},
    )
    fits = Panel(
        "Exponent b of the power law through the paper's σ [scatter]; no interval is known.",
        _FIT_HEADS,
        "lrlccc",
        {"": tuple(row for model in paper.models for row in _exponents(paper, model))},
    )
    return [sizes, fits]


def _sizes(found: Scaling, model: str, cell: Callable[[Point, Point | None, Label], str]) -> Rows:
    by_label = [found.points_of(model, label.name, STD) for label in PARAMETERS]
    robust = [found.points_of(model, label.name, MAD) for label in PARAMETERS]
    rows = []
    for i, first in enumerate(by_label[0]):
        cells = (
            cell(points[i], mads[i] if mads else None, label)
            for points, mads, label in zip(by_label, robust, PARAMETERS, strict=True)
        )
        rows.append((f"{first.scale:,}", f"{first.n_train:,}", *cells))
    return tuple(rows)


def _sigma_cell(point: Point, mad: Point | None, label: Label) -> str:
    return sigmas(point.sigma, point.low, point.high, mad.sigma if mad else None, label)


def _plain_cell(point: Point, _: Point | None, label: Label) -> str:
    return NOTHING if point.sigma is None else number(point.sigma, label, dex_digits=2)


def _exponents(found: Scaling, model: str) -> Rows:
    rows = []
    for statistic, name in ((STD, "σ"), (MAD, "1.4826 MAD")):
        laws = [found.law_of(model, label.name, statistic) for label in PARAMETERS]
        scales = len(found.points_of(model, PARAMETERS[0].name, statistic))
        if scales:
            rows.append((model, str(scales), name, *map(_exponent_cell, laws)))
    return tuple(rows)


def _exponent_cell(law: Law | None) -> str:
    if law is None:
        return NOTHING
    bracket = []
    if law.low is not None and law.high is not None:
        bracket.append(f"{_signed(law.low)}, {_signed(law.high)}")
    if law.scatter is not None:
        bracket.append(f"scatter {law.scatter:.2f}")
    return _signed(law.exponent) + (f" [{'; '.join(bracket)}]" if bracket else "")


def _signed(number_: float) -> str:
    return f"{number_:z.3f}".replace("-", "−")
