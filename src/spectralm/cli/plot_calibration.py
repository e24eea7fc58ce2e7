"""Figure of whether errors are what they say."""

from pathlib import Path

from spectralm.evaluation.calibration_figure import calibration_figure
from spectralm.evaluation.runs import run_of
from spectralm.evaluation.style import save, style
from spectralm.files import read_parquet


def run(*, residuals: Path, caption: str, pdf: Path, png: Path) -> None:
    """Draw PIT histograms and coverage of a run's errors."""
    with style():
        save(calibration_figure(run_of(residuals), read_parquet(residuals), caption), pdf, png)
