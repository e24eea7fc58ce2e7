"""Figure of residuals against signal-to-noise ratio."""

from pathlib import Path

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import read_runs
from spectralm.evaluation.snr import by_snr
from spectralm.evaluation.snr_figure import snr_figure
from spectralm.evaluation.style import save, style


def run(
    *,
    residuals: list[Path],
    models: list[str],
    options: EvaluationOptions,
    caption: str,
    pdf: Path,
    png: Path,
) -> None:
    """Draw sigma against S/N in r of runs, RUN/DATASET.parquet.

    ``models`` are all of the experiment in order, which gives each its colour.
    """
    runs = read_runs(residuals)
    rows = [row for name, table in runs for row in by_snr(name, table, options)]
    with style():
        save(snr_figure(rows, models, caption), pdf, png)
