"""Tables 7 and 8: comparison with external surveys, ours and the paper's."""

from collections.abc import Iterable

from spectralm.errors import InputError
from spectralm.evaluation.cells import ZERO_POINTS
from spectralm.evaluation.comparison import Compared, Numbers, Pair, label_rows, pair_up
from spectralm.evaluation.comparison_cells import (
    COUNTED,
    MOMENTS,
    limits_caption,
    lines_of_classes,
    lines_of_elements,
    models_panel,
    moments,
    runs_panel,
)
from spectralm.evaluation.external import TITLES, Unseen
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.published import find_published
from spectralm.evaluation.render import Panel, Table, sentences
from spectralm.evaluation.runs import RunName
from spectralm.evaluation.statistics import ALL, statistics
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS


def survey_rows(inputs: Inputs, number: int, trained_on: str) -> list[Compared]:
    """Every number per survey, model, class and label, and how many spectra were left out.

    The surveys are those of the manifests, in the paper's order.

    Raises:
        InputError: there are no manifests.
    """
    published = find_published(inputs.published, number)
    rows = []
    for dataset in dict.fromkeys(row.dataset for row in published):
        manifests = [path for path in inputs.samples if path.parent.name == dataset]
        if not manifests:
            continue
        unseen = Unseen.of(dataset, read_parquet(manifests, columns=["split"]))
        of_sample = Pair.without_model(number, dataset)
        for quantity in ("spectra", "left_out"):
            value = (getattr(unseen, quantity), None, None)
            rows.append(of_sample.row(ALL, "", quantity, value))
        tables = inputs.residuals_against(dataset)
        ours = {run: statistics(run, table, inputs.options) for run, table in tables}
        theirs = [row for row in published if row.dataset == dataset]
        pairs = pair_up(theirs, ours, (trained_on, inputs.scale), inputs.options)
        rows += label_rows(pairs, PARAMETERS if trained_on == "lamost" else ABUNDANCES)
    if not rows:
        found = "none of the paper's surveys"
        raise InputError("command line", "--samples", found, "give DATASET/SHARD.parquet")
    return rows


def survey_table(rows: Iterable[Compared], inputs: Inputs, trained_on: str) -> Table:
    """A panel per survey with a row per element; of stage 1, per survey and label by class."""
    rows = list(rows)
    by_survey = {
        dataset: Numbers(row for row in rows if row.dataset == dataset)
        for dataset in dict.fromkeys(row.dataset for row in rows)
    }
    panels = [
        panel
        for dataset, numbers in by_survey.items()
        for panel in _panels(dataset, numbers, inputs, trained_on)
    ]
    runs = [row.run for row in rows if row.run]
    zero_points = ZERO_POINTS if trained_on == "lamost" else ""
    caption = sentences(
        f"Table {rows[0].table} of arXiv:2605.22162 beside ours: models that were trained on a "
        f"sample of {RunName.of(runs[0]).scale:,} spectra with labels from {TITLES[trained_on]}, "
        f"compared with another survey. {MOMENTS} {COUNTED}",
        limits_caption(rows, zero_points),
    )
    places = {TITLES[name]: numbers for name, numbers in by_survey.items()}
    return Table(caption, [*panels, runs_panel(places)], inputs.options.note)


def _panels(dataset: str, numbers: Numbers, inputs: Inputs, trained_on: str) -> Iterable[Panel]:
    counts = (int(numbers.ours("", ALL, "", name) or 0) for name in ("spectra", "left_out"))
    sentence = Unseen(dataset, *counts).sentence
    if trained_on != "lamost":
        caption = f"{TITLES[dataset]}: abundances (dex), all classes. {sentence}"
        lines = lines_of_elements(ALL)
        yield models_panel(caption, "Element", lines, numbers, moments, inputs)
        return
    for label in PARAMETERS:
        caption = f"{TITLES[dataset]}: {label.text} ({label.unit}). {sentence}"
        lines = lines_of_classes(label)
        yield models_panel(caption, "Class", lines, numbers, moments, inputs)
