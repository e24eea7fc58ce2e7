"""Figure of predicted against survey labels."""

from pathlib import Path

from spectralm.evaluation.runs import run_of
from spectralm.evaluation.scatter import predicted_against_survey
from spectralm.evaluation.style import save, style
from spectralm.files import read_parquet


def run(*, residuals: Path, caption: str, pdf: Path, png: Path) -> None:
    """Draw predicted against survey labels of a run, with the residuals below."""
    with style():
        figure = predicted_against_survey(run_of(residuals), read_parquet(residuals), caption)
        save(figure, pdf, png)
