"""One of the paper's tables of residuals, beside ours."""

import logging
from pathlib import Path

from spectralm.evaluation import comparison, pairs, panels
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.published import read_published
from spectralm.evaluation.runs import read_runs
from spectralm.evaluation.statistics import statistics
from spectralm.evaluation.trainings import read_manifests
from spectralm.files import write_text


def run(
    *,
    published: Path,
    residuals: list[Path],
    manifests: list[Path],
    dataset: str,
    scale: int,
    options: EvaluationOptions,
    csv: Path,
    markdown: Path,
    latex: Path,
) -> None:
    """Write a table of the paper in the form ours | published | difference.

    Our runs, RUN/DATASET.parquet and RUN/manifest.json, are all of one dataset and scale. A model
    of the table without residuals has a row that says whether it failed or was not run.
    """
    paper = read_published(published)
    ours = {name: statistics(name, table, options) for name, table in read_runs(residuals)}
    paired = pairs.pair_up(paper, ours, read_manifests(manifests), (dataset, scale), options)
    table = paper[0].table
    caption = (
        f"Table {table} of arXiv:2605.22162 beside ours. The paper's is of a sample of "
        f"{paper[0].scale:,} spectra, ours of {scale:,} spectra from {dataset}."
    )
    shown = comparison.comparison_panels(paired)
    write_text(csv, pairs.tidy_csv(comparison.compared(table, dataset, paired)))
    panels.write_tables(shown, caption, options.note, markdown, latex)
    missing = [pair.title for pair in paired if pair.status]
    logging.info("%s: %d models, without a run: %s", csv, len(paired), ", ".join(missing) or "none")
