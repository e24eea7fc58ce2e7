"""Tables 5 and 6: abundances by class and element, ours beside the paper's."""

from collections.abc import Iterable

from spectralm.evaluation.comparison import Compared, Numbers, label_rows, pair_up
from spectralm.evaluation.comparison_cells import (
    COUNTED,
    Cells,
    limits_caption,
    lines_of_elements,
    models_panel,
    runs_panel,
)
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.published import find_published
from spectralm.evaluation.render import Table, sentences
from spectralm.evaluation.runs import RunName
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import ABUNDANCES, CLASSES

DATASET = "apogee"


def abundance_rows(inputs: Inputs, number: int) -> list[Compared]:
    """Every number of a table, per class and label."""
    published = find_published(inputs.published, number)
    pairs = pair_up(published, inputs.statistics, (DATASET, inputs.scale), inputs.options)
    return list(label_rows(pairs, ABUNDANCES))


def abundance_table(
    rows: Iterable[Compared], inputs: Inputs, cells: Cells, explained: str
) -> Table:
    """A panel per class and one of all, with a row per element; then the runs.

    Args:
        rows: the tidy table.
        inputs: for the manifests and options.
        cells: of a model, class and label.
        explained: what these are.
    """
    rows = list(rows)
    numbers = Numbers(rows)
    first = next(iter(numbers.models.values()))
    panels = []
    for class_ in (*CLASSES, ALL):
        classes = "all classes" if class_ == ALL else f"class {class_}"
        theirs = [numbers.published(model, class_, "", "n") for model in numbers.models]
        counts = [f"The paper's test set has {n:,.0f}." for n in theirs if n is not None]
        caption = " ".join([f"Abundances (dex), {classes}.", *counts])
        lines = lines_of_elements(class_)
        panels.append(models_panel(caption, "Element", lines, numbers, cells, inputs))
    scale = RunName.of(first.run).scale
    caption = sentences(
        f"Table {first.table} of arXiv:2605.22162 beside ours, of a sample of {scale:,} spectra "
        f"from {DATASET}. {explained} {COUNTED}",
        limits_caption(rows),
    )
    return Table(caption, [*panels, runs_panel({"": numbers})], inputs.options.note)
