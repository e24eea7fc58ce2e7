"""Accuracy and confusion of spectral classes."""

import logging
from pathlib import Path

from spectralm.evaluation import confusion, panels
from spectralm.evaluation.runs import by_run
from spectralm.files import read_parquet, write_text


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
    matrices = {
        name: confusion.confusion(read_parquet(path)) for name, path in by_run(residuals).items()
    }
    shown = confusion.confusion_panels(matrices)
    write_text(csv, confusion.tidy_csv(matrices))
    panels.write_tables(shown, caption, note, markdown, latex)
    logging.info("%s: %d runs", csv, len(matrices))
