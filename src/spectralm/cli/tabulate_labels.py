"""How many spectra have a label of each element."""

import logging
from pathlib import Path

from spectralm.evaluation import label_counts, pairs, panels
from spectralm.evaluation.published import read_published
from spectralm.files import read_parquet, write_text
from spectralm.labels.vocabulary import ABUNDANCES


def run(
    *, catalogue: Path, published: Path, note: str, csv: Path, markdown: Path, latex: Path
) -> None:
    """Count the spectra of a crossmatched catalogue by class and element, beside the paper's."""
    names = [label.name for label in ABUNDANCES]
    counts = label_counts.label_counts(read_parquet(catalogue, columns=["class", *names]))
    paper = read_published(published)
    caption = "Table 1 of arXiv:2605.22162 beside ours: LAMOST's spectra of APOGEE's stars."
    write_text(csv, pairs.tidy_csv(label_counts.count_rows(counts, paper)))
    shown = [label_counts.counts_panel(counts, paper)]
    panels.write_tables(shown, caption, note, markdown, latex)
    logging.info("%s: %d spectra with a label", csv, counts["All", "any"])
