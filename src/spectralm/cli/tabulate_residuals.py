"""Tables of residuals, of one run or several beside each other."""

import logging
from pathlib import Path

from spectralm.evaluation import panels, tables
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import read_runs
from spectralm.evaluation.statistics import statistics
from spectralm.files import write_text


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
    runs = read_runs(residuals)
    rows = [row for name, table in runs for row in statistics(name, table, options)]
    shown = tables.residual_panels(rows, options)
    write_text(csv, tables.tidy_csv(rows))
    panels.write_tables(shown, caption, options.note, markdown, latex)
    logging.info("%s: %d runs", csv, len(residuals))
