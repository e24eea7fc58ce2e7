"""What each scale asks for and what there is."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from spectralm.labels.vocabulary import CLASSES
from spectralm.samples.options import SampleOptions
from spectralm.samples.splits import TEST, TRAIN, VALIDATION


def tabulate(assignment: pa.Table, options: SampleOptions, scales: Sequence[int]) -> pa.Table:
    """Columns scale, class, asked, there, train, validation, test; a row per scale and class.

    Args:
        ranking: columns class, split, shard.

    Raises:
        SpectraLMError: a scale is no multiple of the shard size.
    """
    rows = []
    for scale in sorted(scales):
        shards = options.shards(scale)
        drawn = assignment.filter(pc.less(assignment["shard"], shards))
        groups = drawn.group_by(["class", "split"]).aggregate([([], "count_all")]).to_pylist()
        counts = {(group["class"], group["split"]): group["count_all"] for group in groups}
        for name in CLASSES:
            parts = {part: counts.get((name, part), 0) for part in (TRAIN, VALIDATION, TEST)}
            asked, there = shards * options.per_class, sum(parts.values())
            rows.append({"scale": scale, "class": name, "asked": asked, "there": there, **parts})
    return pa.Table.from_pylist(rows)
