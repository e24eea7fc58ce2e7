"""Tables 5 and 6: residuals of abundances on APOGEE's test spectra."""

from collections.abc import Sequence

from spectralm.evaluation.beside import (
    COUNTED,
    MOMENTS_TOLD,
    lines_of_elements,
    models_panel,
    runs_panel,
)
from spectralm.evaluation.pairs import Pair, moments, rmse
from spectralm.evaluation.panels import Panel
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import CLASSES

#: What is told of each model in which table.
CELLS = {5: moments, 6: rmse}

_TOLD = {
    5: MOMENTS_TOLD,
    6: "Root mean square of the residuals, predicted − survey: ours, and for models that the paper "
    "has its numbers and the differences, ours − the paper's.",
}


def abundance_panels(table: int, pairs: Sequence[Pair]) -> list[Panel]:
    """A panel per class and one of all, with a row per element; then the runs."""
    panels = []
    for class_ in (*CLASSES, ALL):
        classes = "all classes" if class_ == ALL else f"class {class_}"
        theirs = [pair.published.get((class_, "", "n")) for pair in pairs]
        counts = [f"The paper's test set has {n:,.0f}." for n in theirs if n is not None]
        caption = " ".join([f"Abundances (dex), {classes}.", *counts, _TOLD[table], COUNTED])
        lines = lines_of_elements(class_)
        panels.append(models_panel(caption, "Element", lines, pairs, CELLS[table]))
    return [*panels, runs_panel({"": pairs})]
