"""Figure of residuals against the number of training spectra."""

from pathlib import Path

from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.published import read_published
from spectralm.evaluation.scaling import published_scaling, scaling
from spectralm.evaluation.scaling_figure import scaling_figure
from spectralm.evaluation.style import save, style
from spectralm.evaluation.trainings import read_scales


def run(
    *,
    residuals: list[Path],
    manifests: list[Path],
    published: list[Path],
    models: list[str],
    options: EvaluationOptions,
    caption: str,
    pdf: Path,
    png: Path,
) -> None:
    """Draw sigma against training spectra on one common test set, with fitted power laws.

    Of each run there are RUN/DATASET.parquet and RUN/manifest.json, whose n_train is used;
    ``models`` are all of the experiment in order, which gives each its colour.
    """
    ours = scaling(*read_scales(residuals, manifests), options)
    paper = published_scaling([row for path in published for row in read_published(path)])
    with style():
        save(scaling_figure(ours, paper, models, caption), pdf, png)
