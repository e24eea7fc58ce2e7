"""Accuracy and confusion of spectral classes."""

import logging
from pathlib import Path

from spectralm.evaluation import confusion, panels
from spectralm.evaluation.runs import read_runs
from spectralm.files import write_text


def run(
    *,
    residuals: list[Path],
    caption: str,
    note: str,
    csv: Path,
    markdown: Path,
    latex: Path,
) -> None:
    """Write accuracies and confusion matrices of runs, RUN/DATASET.parquet, in the order given."""
    matrices = {name: confusion.confusion(table) for name, table in read_runs(residuals)}
    shown = confusion.confusion_panels(matrices)
    write_text(csv, confusion.tidy_csv(matrices))
    panels.write_tables(shown, caption, note, markdown, latex)
    logging.info("%s: %d runs", csv, len(matrices))
