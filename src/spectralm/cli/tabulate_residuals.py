"""Tables of residuals, of one run or several beside each other."""

import logging
from pathlib import Path

from spectralm.evaluation import panels, tables
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import by_run
from spectralm.evaluation.statistics import statistics
from spectralm.files import read_parquet, write_text


def run(
    *,
    residuals: list[Path],
    options: EvaluationOptions,
    caption: str,
    csv: Path,
    markdown: Path,
    latex: Path,
) -> None:
    """Write statistics of residuals per run and class as CSV, Markdown and LaTeX.

    A run's name is the folder of its residuals, RUN/DATASET.parquet; runs stand as given.
    """
    runs = by_run(residuals)
    rows = [row for name in runs for row in statistics(name, read_parquet(runs[name]), options)]
    shown = tables.residual_panels(rows, options)
    write_text(csv, tables.tidy_csv(rows))
    panels.write_tables(shown, caption, options.note, markdown, latex)
    logging.info("%s: %d runs", csv, len(residuals))
