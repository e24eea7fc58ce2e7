"""Residuals of every run at one scale in bins of the signal-to-noise ratio."""

from collections.abc import Sequence
from functools import partial

from spectralm.evaluation.cells import (
    FLOOR,
    TRUTH,
    ZERO_POINTS,
    blocks_by_label,
    interval_caption,
    ratio_to_floor,
    sigmas,
    value,
)
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import LABEL_HEADS, Panel, Table, sentences
from spectralm.evaluation.snr import Bin, by_snr
from spectralm.evaluation.statistics import ALL, Statistics
from spectralm.labels.vocabulary import Label

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
    """Sigma per bin and label of each run, and against floor and truth where known."""
    explained = (
        "Standard deviation σ (ddof = 0) [interval]; 1.4826 MAD. N counts all test spectra, also "
        f"the unparsed, which gave no answer. Intervals: {interval_caption(inputs.options)}"
    )
    rows = [row for row in rows if row.statistics.class_ == ALL]
    notes = inputs.notes(row.statistics.run for row in rows)
    heads = ("S/N", "N", "Unparsed", *LABEL_HEADS)
    blocks = partial(blocks_by_label, rows, _statistics, _title, _counts)
    panels = [Panel(sentences(explained, notes), heads, "lrrccc", blocks(_sigmas))]
    if any(row.floor_std is not None for row in rows):
        panels += [
            Panel(FLOOR, heads, "lrrccc", blocks(ratio_to_floor)),
            Panel(sentences(TRUTH, ZERO_POINTS), heads, "lrrccc", blocks(_from_truth)),
        ]
    return Table(inputs.caption(CAPTION), panels, inputs.options.note)


def _statistics(row: Bin) -> Statistics:
    return row.statistics


def _title(row: Bin) -> str:
    return row.title


def _counts(row: Statistics) -> tuple[str, ...]:
    return str(row.n), str(row.unparsed)


def _from_truth(row: Statistics, label: Label) -> str:
    return value(row.truth_std, label)


def _sigmas(row: Statistics, label: Label) -> str:
    return sigmas(row.std, row.std_low, row.std_high, row.mad_sigma, label)
