"""Figure of predicted labels against those of a survey from outside."""

from pathlib import Path

from spectralm.evaluation.external import Unseen
from spectralm.evaluation.runs import run_of
from spectralm.evaluation.scatter import predicted_against_survey
from spectralm.evaluation.style import save, style
from spectralm.files import read_parquet


def run(*, residuals: Path, samples: list[Path], note: str, pdf: Path, png: Path) -> None:
    """Draw predicted against survey labels of a run, on spectra of stars that it has not seen.

    The manifests of the survey's sample tell how many spectra were left out.
    """
    unseen = Unseen.of(residuals.stem, read_parquet(samples, columns=["split"]))
    caption = " ".join(filter(None, [unseen.told, note]))
    with style():
        figure = predicted_against_survey(run_of(residuals), read_parquet(residuals), caption)
        save(figure, pdf, png)
