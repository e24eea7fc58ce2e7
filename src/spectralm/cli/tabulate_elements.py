"""Which elements a run reads from lines, and which it guesses."""

import logging
from pathlib import Path

from spectralm.evaluation import elements, panels
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import read_runs, run_of
from spectralm.files import read_parquet, write_text


def run(
    *,
    residuals: list[Path],
    outside: list[Path],
    options: EvaluationOptions,
    caption: str,
    csv: Path,
    markdown: Path,
    latex: Path,
) -> None:
    """Write groups of elements by run, and whether it beats [X/Fe] from Teff, log g and [Fe/H].

    Residuals, RUN/DATASET.parquet, are of runs of one dataset and scale on its own test spectra,
    and ``outside`` on those of other surveys.
    """
    rows = elements.elements(
        dict(read_runs(residuals)),
        {(run_of(path), path.stem): read_parquet(path) for path in outside},
        options,
    )
    write_text(csv, elements.tidy_csv(rows))
    panels.write_tables(
        [elements.elements_panel(rows, options)], caption, options.note, markdown, latex
    )
    logging.info("%s: %d rows", csv, len(rows))
