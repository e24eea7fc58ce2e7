"""Table 1: LAMOST spectra with an abundance by APOGEE, by class and element."""

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc

from spectralm.evaluation.cells import count
from spectralm.evaluation.comparison import Compared, Pair
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.published import find_published
from spectralm.evaluation.render import Panel, Table
from spectralm.evaluation.statistics import ALL
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import ABUNDANCES, CLASSES

TITLE = "Comparison with the paper"
CAPTION = (
    "Table 1 of arXiv:2605.22162 beside ours: LAMOST's spectra of APOGEE's stars with a valid"
    " label, by the class that LAMOST gives; any: with at least one."
)
Row = Compared

#: Title and name of the rows of spectra with any label.
ANY = ("any", "any")


def rows(inputs: Inputs) -> list[Compared]:
    """Every count, ours and the paper's, by class and label."""
    names = [label.name for label in ABUNDANCES]
    catalogue = read_parquet(inputs.catalogue, columns=["class", *names])
    classes = catalogue["class"].to_numpy()
    known = {name: pc.is_valid(catalogue[name]).to_numpy() for name in names}
    known[ANY[1]] = np.any(list(known.values()), axis=0)
    paper = {(row.class_, row.label): row.value for row in find_published(inputs.published, 1)}
    counted, found = Pair.without_model(1, "apogee"), []
    for class_ in (*CLASSES, ALL):
        for name, valid in known.items():
            ours = int(np.sum(valid & ((classes == class_) | (class_ == ALL))))
            value = (ours, None, None)
            theirs = paper.get((class_, name))
            found.append(counted.row(class_, name, "n", value, published=theirs))
    return found


def table(rows: Sequence[Compared], inputs: Inputs) -> Table:
    """A row per element; ours and the paper's of each class."""
    counts = {(row.class_, row.label): row for row in rows}
    heads = ["Element"]
    for class_ in CLASSES:
        heads += [class_, "paper"]
    lines = []
    for title, name in (*((label.latex, label.name) for label in ABUNDANCES), ANY):
        cells = [title]
        for class_ in CLASSES:
            row = counts[class_, name]
            cells += [count(row.ours), count(row.published)]
        lines.append((*cells, count(counts[ALL, name].ours)))
    panel = Panel("", (*heads, ALL), "l" + "r" * len(heads), {"": tuple(lines)})
    return Table(CAPTION, [panel], inputs.options.note)
