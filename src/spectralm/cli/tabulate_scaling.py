"""Tables of residuals by the number of training spectra."""

import logging
from pathlib import Path

from spectralm.evaluation import panels, scaling_tables
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.published import read_published
from spectralm.evaluation.scaling import published_scaling, scaling
from spectralm.evaluation.trainings import read_scales
from spectralm.files import write_text


def run(
    *,
    residuals: list[Path],
    manifests: list[Path],
    published: list[Path],
    options: EvaluationOptions,
    caption: str,
    csv: Path,
    markdown: Path,
    latex: Path,
) -> None:
    """Write sigma by training spectra on one common test set, and fitted power laws.

    Of each run there are RUN/DATASET.parquet and RUN/manifest.json, whose n_train is used.
    """
    ours = scaling(*read_scales(residuals, manifests), options)
    paper = published_scaling([row for path in published for row in read_published(path)])
    shown = scaling_tables.scaling_panels(ours, paper, options)
    write_text(csv, scaling_tables.tidy_csv(ours, paper))
    panels.write_tables(shown, caption, options.note, markdown, latex)
    logging.info("%s: %d models at several scales", csv, len(ours.models))
