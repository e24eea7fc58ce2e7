"""Assigns each spectrum to a shard; shards have the same splits, and larger scales more shards."""

import numpy as np
import pyarrow as pa

from spectralm.samples.options import SampleOptions, Strata
from spectralm.samples.splits import hashes, splits_of
from spectralm.schemas import ASSIGNMENT, schema


def assign(catalogue: pa.Table, options: SampleOptions, strata: Strata = Strata.CLASS) -> pa.Table:
    """Assign the spectra of a catalogue to splits and shards.

    The spectra of one split, and of one class if classes are balanced, are sorted by the hash of
    ``"{seed}:deal:{obsid}"`` and fill the shards 0, 1, 2, ... by the quota of that split. So the
    shards of a scale are the first ones of any larger scale.

    Args:
        catalogue: columns obsid, class, star_id.
        options: sizes of shards and splits, and the seed.
        strata: whether each shard has the same number of spectra of each class.

    Returns:
        Columns ASSIGNMENT, sorted by shard, then obsid, with every row of the catalogue.
    """
    stars = catalogue["star_id"].combine_chunks().dictionary_encode()
    of_star = splits_of(stars.dictionary.to_pylist(), options)
    split = of_star[stars.indices.to_numpy()]
    obsid = catalogue["obsid"].to_numpy()
    classes = np.asarray(catalogue["class"].to_pylist(), dtype="U1")
    order = hashes(f"{options.seed}:deal", obsid.tolist())
    shard = np.empty(obsid.size, np.int32)
    by_class = strata is Strata.CLASS
    groups = [classes == name for name in np.unique(classes)] if by_class else [True]
    quotas = options.quotas if by_class else options.divide(options.shard_size)
    for group in groups:
        for part, quota in quotas.items():
            members = np.flatnonzero(group & (split == part))
            ordered = members[np.lexsort((obsid[members], order[members]))]
            shard[ordered] = np.arange(ordered.size) // max(quota, 1)
    table = catalogue.select(["obsid", "class", "star_id"])
    table = table.append_column("split", pa.array(split.tolist(), pa.string()))
    table = table.append_column("shard", pa.array(shard))
    return table.take(pa.array(np.lexsort((obsid, shard)))).cast(schema(ASSIGNMENT))
