"""Coverage of the errors that models tell."""

import logging
from pathlib import Path

from spectralm.evaluation import calibration, panels
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
    """Write how often the errors of runs, RUN/DATASET.parquet, hold what they say."""
    runs = {name: calibration.coverages(name, table) for name, table in read_runs(residuals)}
    write_text(csv, calibration.tidy_csv(runs))
    panels.write_tables(calibration.coverage_panels(runs), caption, note, markdown, latex)
    logging.info("%s: %d of %d runs tell errors", csv, sum(map(bool, runs.values())), len(runs))
