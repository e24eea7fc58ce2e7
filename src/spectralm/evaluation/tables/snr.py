"""Residuals of every run at one scale in bins of the signal-to-noise ratio."""

from collections.abc import Callable, Sequence
from itertools import groupby

from spectralm.evaluation.cells import interval_caption, ratio_to_bound, sigmas
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import LABEL_HEADS, Panel, Rows, Table
from spectralm.evaluation.snr import Bin, by_snr
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import PARAMETERS, Label

TITLE = "Residuals by signal-to-noise ratio"
CAPTION = (
    "Residuals, predicted − survey, by signal-to-noise ratio in r, on the test spectra of a sample"
    " of {scale} spectra from {dataset}. All classes together, whose shares differ from bin to bin."
)
Row = Bin


def rows(inputs: Inputs) -> list[Bin]:
    """A row per run, bin, class and label."""
    return [row for run, table in inputs.own() for row in by_snr(run, table, inputs.options)]


def table(rows: Sequence[Bin], inputs: Inputs) -> Table:
    """Sigma per bin and label of each run, and the ratio to the bound where it is known."""
    explained = (
        "Standard deviation σ (ddof = 0) [interval]; 1.4826 MAD. N counts all test spectra, also "
        f"the unparsed, which gave no answer. Intervals: {interval_caption(inputs.options)}"
    )
    rows = [row for row in rows if row.statistics.class_ == ALL]
    notes = inputs.notes(row.statistics.run for row in rows)
    heads = ("S/N", "N", "Unparsed", *LABEL_HEADS)
    caption = " ".join(filter(None, [explained, notes]))
    panels = [Panel(caption, heads, "lrrccc", _blocks(rows, _sigmas))]
    if any(row.bound_std is not None for row in rows):
        caption = "1.4826 × the median of |residual| / Cramér-Rao bound, by S/N in r."
        panels.append(Panel(caption, heads, "lrrccc", _blocks(rows, _ratio)))
    return Table(inputs.caption(CAPTION), panels, inputs.options.note)


def _blocks(rows: Sequence[Bin], cell: Callable[[Bin, Label], str]) -> dict[str, Rows]:
    blocks = {}
    for run, of_run in groupby(rows, key=lambda row: row.statistics.run):
        lines = []
        for title, of_bin in groupby(of_run, key=lambda row: row.title):
            by_label = {row.statistics.label: row for row in of_bin}
            first = by_label[PARAMETERS[0].name].statistics
            cells = (cell(by_label[label.name], label) for label in PARAMETERS)
            lines.append((title, str(first.n), str(first.unparsed), *cells))
        blocks[run] = tuple(lines)
    return blocks


def _sigmas(row: Bin, label: Label) -> str:
    found = row.statistics
    return sigmas(found.std, found.std_low, found.std_high, found.mad_sigma, label)


def _ratio(row: Bin, label: Label) -> str:
    return ratio_to_bound(row.statistics, label)
