"""Figure of the confusion of spectral classes."""

from pathlib import Path

from spectralm.evaluation.confusion import confusion_figure
from spectralm.evaluation.runs import run_of
from spectralm.evaluation.style import save, style
from spectralm.files import read_parquet


def run(*, residuals: Path, caption: str, pdf: Path, png: Path) -> None:
    """Draw which classes a run's model takes for which."""
    with style():
        save(confusion_figure(run_of(residuals), read_parquet(residuals), caption), pdf, png)
