"""Figure of the residuals' histograms."""

from pathlib import Path

from spectralm.evaluation.histograms import residual_histograms
from spectralm.evaluation.runs import run_of
from spectralm.evaluation.style import save, style
from spectralm.files import read_parquet


def run(*, residuals: Path, pdf: Path, png: Path) -> None:
    """Draw histograms of a run's residuals per class and label."""
    with style():
        save(residual_histograms(run_of(residuals), read_parquet(residuals)), pdf, png)
