"""Tables of scaling: the sigmas, and the power laws through them."""

from collections.abc import Callable

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.panels import LABEL_HEADS, NOTHING, Panel, Rows, csv_text, number
from spectralm.evaluation.runs import note
from spectralm.evaluation.scaling import Law, Point, Scaling
from spectralm.evaluation.statistics import MAD, STD
from spectralm.evaluation.tables import drawn, sigmas_cell
from spectralm.labels.vocabulary import PARAMETERS, Label

EMPTY = "Empty: no model was run at several scales, so nothing is known of scaling."

_HEAD = ("source", "model", "label", "statistic", "quantity", "scale", "n_train", "n", "used")
_HEAD += ("value", "low", "high")


def tidy_csv(ours: Scaling, paper: Scaling) -> str:
    """CSV: the sigma of each model, label and scale, and the law's exponent, amplitude, scatter."""
    rows = []
    for source, part in (("ours", ours), ("paper", paper)):
        for p in part.points:
            first = (source, p.model, p.label, p.statistic, "sigma")
            rows.append((*first, p.scale, p.n_train, p.n, p.used, p.sigma, p.low, p.high))
        for law in part.laws:
            first = (source, law.model, law.label, law.statistic)
            nothing = (None,) * 4
            rows += [
                (*first, "exponent", *nothing, law.exponent, law.low, law.high),
                (*first, "amplitude", *nothing, law.amplitude, None, None),
                (*first, "scatter", *nothing, law.scatter, None, None),
            ]
    return csv_text(_HEAD, rows)


def scaling_panels(ours: Scaling, paper: Scaling, options: EvaluationOptions) -> list[Panel]:
    """The sigmas by training spectra, then the fitted exponents; the paper's below ours."""
    if not ours.points:
        caption = f"{EMPTY} The paper's own numbers are below."
        return [
            Panel(caption, ("Model", "Scale", "Training spectra", *LABEL_HEADS), "lrrccc", {}),
            *_paper_panels(paper),
        ]
    notes = [note(model) for model in ours.models]
    told = (
        "Standard deviation σ (ddof = 0) of the residuals [interval]; 1.4826 MAD, on one common "
        f"test set for all: the {ours.points[0].n} test spectra of scale {ours.test_scale:,}. "
        f"Intervals: {drawn(options)}"
    )
    sizes = Panel(
        " ".join(filter(None, [told, *notes])),
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
        ("Model", "Scales", "Sigma", *(label.text for label in PARAMETERS)),
        "lrlccc",
        {"": tuple(row for model in ours.models for row in _exponents(ours, model))},
    )
    return [sizes, fits, *_paper_panels(paper)]


def _paper_panels(paper: Scaling) -> list[Panel]:
    """The paper's sigmas of all classes (its tables 2 to 4), and the lines through them."""
    sizes = Panel(
        "The paper's σ, each on the test set of its own scale; training spectra are 0.8 of it.",
        ("Scale", "Training spectra", *LABEL_HEADS),
        "rrccc",
        {f"{model} (paper)": _sizes(paper, model, _plain_cell) for model in paper.models},
    )
    fits = Panel(
        "Exponent b of the power law through the paper's σ [scatter]; no interval can be told.",
        ("Model", "Scales", "Sigma", *(label.text for label in PARAMETERS)),
        "lrlccc",
        {"": tuple(row for model in paper.models for row in _exponents(paper, model))},
    )
    return [sizes, fits]


def _sizes(found: Scaling, model: str, cell: Callable) -> Rows:
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


def _sigma_cell(point: Point, mad: Point, label: Label) -> str:
    return sigmas_cell(point.sigma, point.low, point.high, mad.sigma, label)


def _plain_cell(point: Point, _: None, label: Label) -> str:
    return number(point.sigma, label, dex_digits=2)


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
    told = []
    if law.low is not None:
        told.append(f"{_signed(law.low)}, {_signed(law.high)}")
    if law.scatter is not None:
        told.append(f"scatter {law.scatter:.2f}")
    return _signed(law.exponent) + (f" [{'; '.join(told)}]" if told else "")


def _signed(value: float) -> str:
    return f"{value:z.3f}".replace("-", "−")
