"""Coverage: how often the survey's values are within the errors of the predictions."""

from collections.abc import Sequence

import numpy as np

from spectralm.evaluation.calibration import Coverage, coverages
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import LABEL_HEADS, NOTHING, Panel, Rows, Table
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import CLASSES, LABELS, PARAMETERS, TEFF

TITLE = "Errors of the predictions"
CAPTION = (
    "Errors of the predictions on the test spectra of a sample of {scale} spectra from {dataset}:"
    " share of spectra whose survey value is within one error of the prediction (68.3% is right)"
    " and within 1.96 errors (95%), with the binomial uncertainty of the first, and the median"
    " error. Errors of the survey's own labels count as the model's."
)
Row = Coverage


def rows(inputs: Inputs) -> list[Coverage]:
    """A row per run, class and label; none for a run without errors."""
    return [row for run, table in inputs.own() for row in coverages(run, table)]


def table(rows: Sequence[Coverage], inputs: Inputs) -> Table:
    """A block per run: stage 1 has a row per class, stage 2 one per element."""
    runs = dict.fromkeys(row.run for row in rows)
    silent = [run for run in inputs.trainings if run not in runs]
    caption = f"Without errors: {', '.join(silent)}." if silent else ""
    if {row.label for row in rows} <= {label.name for label in PARAMETERS}:
        heads, lines = ("Class", *LABEL_HEADS), _lines_of_classes
    else:
        heads, lines = ("Element", *CLASSES, ALL), _lines_of_elements
    blocks = {run: lines([row for row in rows if row.run == run]) for run in runs}
    panel = Panel(caption, heads, "l" + "c" * (len(heads) - 1), blocks)
    return Table(inputs.caption(CAPTION), [panel], inputs.options.note)


def _lines_of_classes(rows: Sequence[Coverage]) -> Rows:
    return tuple(
        (group, *(_cell(row) for row in rows if row.class_ == group)) for group in (*CLASSES, ALL)
    )


def _lines_of_elements(rows: Sequence[Coverage]) -> Rows:
    return tuple(
        (LABELS[name].latex, *(_cell(row) for row in rows if row.label == name))
        for name in dict.fromkeys(row.label for row in rows)
    )


def _cell(row: Coverage) -> str:
    if row.within_68 is None:
        return NOTHING
    uncertain = np.sqrt(row.within_68 * (1 - row.within_68) / row.n)
    digits = 0 if row.label == TEFF.name else 3
    return (
        f"{row.within_68:.1%} ± {uncertain:.1%}; {row.within_95:.1%}; {row.median_error:.{digits}f}"
    )
