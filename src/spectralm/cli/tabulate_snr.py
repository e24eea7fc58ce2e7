"""Tables of residuals by signal-to-noise ratio."""

import logging
from pathlib import Path

from spectralm.evaluation import panels, snr
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import read_runs
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
    """Write statistics of residuals by S/N in r of runs, RUN/DATASET.parquet, as given."""
    runs = read_runs(residuals)
    rows = [row for name, table in runs for row in snr.by_snr(name, table, options)]
    shown = snr.snr_panels(rows, options)
    write_text(csv, snr.tidy_csv(rows))
    panels.write_tables(shown, caption, options.note, markdown, latex)
    logging.info("%s: %d rows", csv, len(rows))
