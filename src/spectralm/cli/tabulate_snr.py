"""Tables of residuals by signal-to-noise ratio."""

import logging
from pathlib import Path

from spectralm.evaluation import panels, snr
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import by_run
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
    """Write statistics of residuals by S/N in r of runs, RUN/DATASET.parquet, as given."""
    rows = [
        row
        for name, path in by_run(residuals).items()
        for row in snr.by_snr(name, read_parquet(path), options)
    ]
    shown = snr.snr_panels(rows, options)
    write_text(csv, snr.tidy_csv(rows))
    panels.write_tables(shown, caption, options.note, markdown, latex)
    logging.info("%s: %d rows", csv, len(rows))
