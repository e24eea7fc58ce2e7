"""One of the paper's tables of residuals of abundances, beside ours."""

import logging
from pathlib import Path

from spectralm.evaluation import abundances, pairs, panels
from spectralm.evaluation.beside import numbers
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.published import read_published
from spectralm.evaluation.runs import read_runs
from spectralm.evaluation.statistics import statistics
from spectralm.files import write_text
from spectralm.labels.vocabulary import Targets


def run(
    *,
    published: Path,
    residuals: list[Path],
    dataset: str,
    scale: int,
    targets: Targets,
    options: EvaluationOptions,
    csv: Path,
    markdown: Path,
    latex: Path,
) -> None:
    """Write residuals by element and class of runs: ours | published | difference.

    Our runs, RUN/DATASET.parquet, are all of one dataset and scale; those that the paper has not
    stand beside its own.
    """
    paper = read_published(published)
    ours = {name: statistics(name, table, options) for name, table in read_runs(residuals)}
    paired = pairs.pair_up(paper, ours, {}, (dataset, scale), options)
    table = paper[0].table
    caption = (
        f"Table {table} of arXiv:2605.22162 beside ours, of a sample of {scale:,} spectra from "
        f"{dataset}."
    )
    write_text(csv, pairs.tidy_csv(numbers(table, dataset, paired, targets.labels)))
    shown = abundances.abundance_panels(table, paired)
    panels.write_tables(shown, caption, options.note, markdown, latex)
    logging.info("%s: %d models", csv, len(paired))
