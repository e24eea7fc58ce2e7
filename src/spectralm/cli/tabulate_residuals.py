"""Tables of residuals, of one run or several beside each other."""

import logging
from pathlib import Path

from spectralm.errors import InputError
from spectralm.evaluation import tables
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import run_of
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
    runs = dict(zip(map(run_of, residuals), residuals, strict=True))
    if len(runs) < len(residuals):
        raise InputError(residuals[0], "run", "a run given twice", "give each run's residuals once")
    rows = [row for name in runs for row in statistics(name, read_parquet(runs[name]), options)]
    write_text(csv, tables.tidy_csv(rows))
    write_text(markdown, tables.markdown(rows, caption, options))
    write_text(latex, tables.latex(rows, caption, options))
    logging.info("%s: %d runs", csv, len(residuals))
