"""The sample: spectra requested and found at each scale, by class and split."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.compute as pc

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import Panel, Table
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import CLASSES
from spectralm.samples.splits import TEST, TRAIN, VALIDATION

TITLE = "The sample"
CAPTION = "Spectra from {dataset} requested and found at each scale, by class and split."


@dataclass(frozen=True)
class Row:
    """One class at one scale."""

    scale: int
    class_: str
    asked: int
    """Spectra that the scale needs of the class."""
    there: int
    train: int
    validation: int
    test: int


def rows(inputs: Inputs) -> list[Row]:
    """A row per scale and class.

    Raises:
        SpectraLMError: a scale is no multiple of the shard size.
    """
    assignment = read_parquet(inputs.assignment, columns=["class", "split", "shard"])
    found = []
    for scale in sorted(inputs.scales):
        shards = inputs.sample_options.shards(scale)
        sample = assignment.filter(pc.less(assignment["shard"], shards))
        groups = sample.group_by(["class", "split"]).aggregate([([], "count_all")]).to_pylist()
        counts = {(group["class"], group["split"]): group["count_all"] for group in groups}
        for name in CLASSES:
            parts = [counts.get((name, split), 0) for split in (TRAIN, VALIDATION, TEST)]
            asked = shards * inputs.sample_options.per_class
            found.append(Row(scale, name, asked, sum(parts), *parts))
    return found


def table(rows: Sequence[Row], inputs: Inputs) -> Table:
    """A block per scale."""
    blocks = {
        f"{scale:,} spectra": tuple(
            (row.class_, *map(str, (row.asked, row.there, row.train, row.validation, row.test)))
            for row in rows
            if row.scale == scale
        )
        for scale in dict.fromkeys(row.scale for row in rows)
    }
    heads = ("Class", "Requested", "Found", "Training", "Validation", "Test")
    panel = Panel("", heads, "lrrrrr", blocks)
    return Table(inputs.caption(CAPTION), [panel], inputs.options.note)
