"""The paper's tables of comparisons with other surveys, beside ours."""

import logging
from pathlib import Path

from spectralm.evaluation import external, pairs, panels
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.published import read_published
from spectralm.evaluation.runs import read_runs
from spectralm.evaluation.statistics import statistics
from spectralm.files import read_parquet, write_text
from spectralm.labels.vocabulary import Targets


def run(
    *,
    published: Path,
    residuals: list[Path],
    samples: list[Path],
    learned: str,
    scale: int,
    targets: Targets,
    options: EvaluationOptions,
    csv: Path,
    markdown: Path,
    latex: Path,
) -> None:
    """Write residuals of runs against surveys from outside: ours | published | difference.

    The surveys are those of the manifests, DATASET/SHARD.parquet, in the paper's order; our runs
    there, RUN/DATASET.parquet, are of one scale of the dataset that they learned from.
    """
    paper = read_published(published)
    judges = {}
    for dataset in dict.fromkeys(row.dataset for row in paper):
        manifests = [path for path in samples if path.parent.name == dataset]
        if not manifests:
            continue
        files = [path for path in residuals if path.stem == dataset]
        ours = {name: statistics(name, table, options) for name, table in read_runs(files)}
        unseen = external.Unseen.of(dataset, read_parquet(manifests, columns=["split"]))
        theirs = [row for row in paper if row.dataset == dataset]
        judges[unseen] = pairs.pair_up(theirs, ours, {}, (learned, scale), options)
        logging.info("%s: %s", dataset, unseen.told)
    table = paper[0].table
    caption = (
        f"Table {table} of arXiv:2605.22162 beside ours: models that learned from a sample of "
        f"{scale:,} spectra with labels from {external.TITLES[learned]}, judged by another survey."
    )
    write_text(csv, pairs.tidy_csv(external.external_numbers(table, targets, judges)))
    shown = external.external_panels(targets, judges)
    panels.write_tables(shown, caption, options.note, markdown, latex)
