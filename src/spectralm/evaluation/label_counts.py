"""Table 1: spectra with a label, by class and element."""

from collections.abc import Iterable, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.evaluation.pairs import Compared
from spectralm.evaluation.panels import NOTHING, Panel
from spectralm.evaluation.published import Published
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import ABUNDANCES, CLASSES

#: Title and name of the rows of spectra with any label.
ANY = ("any", "any")

Counts = Mapping[tuple[str, str], int]


def label_counts(catalogue: pa.Table) -> Counts:
    """Spectra of a crossmatched catalogue by class (or "All") and label (or "any")."""
    classes = catalogue["class"].to_numpy()
    known = {label.name: pc.is_valid(catalogue[label.name]).to_numpy() for label in ABUNDANCES}
    known[ANY[1]] = np.any(list(known.values()), axis=0)
    return {
        (class_, name): int(np.sum(valid & ((classes == class_) | (class_ == ALL))))
        for class_ in (*CLASSES, ALL)
        for name, valid in known.items()
    }


def counts_panel(counts: Counts, published: Iterable[Published]) -> Panel:
    """A row per element; ours and the paper's of each class."""
    paper = {(row.class_, row.label): f"{row.value:.0f}" for row in published}
    heads = ["Element"]
    for class_ in CLASSES:
        heads += [class_, "paper"]
    rows = []
    for title, name in (*((label.latex, label.name) for label in ABUNDANCES), ANY):
        row = [title]
        for class_ in CLASSES:
            row += [str(counts[class_, name]), paper.get((class_, name), NOTHING)]
        rows.append((*row, str(counts[ALL, name])))
    align = "l" + "r" * (len(heads))
    told = "Spectra with a valid label, by the class that LAMOST gives; any: with at least one."
    return Panel(told, (*heads, ALL), align, {"": tuple(rows)})


def count_rows(counts: Counts, published: Iterable[Published]) -> list[Compared]:
    """Every count, ours and the paper's."""
    paper = {(row.class_, row.label): row.value for row in published}
    rows = []
    for (class_, name), ours in counts.items():
        theirs = paper.get((class_, name))
        apart = None if theirs is None else ours - theirs
        first = (1, "apogee", "", "", "", class_, name, "n", "")
        rows.append(Compared(*first, ours, None, None, theirs, apart))
    return rows
