"""Splits stars by a hash of their ids."""

import hashlib
from collections.abc import Iterable

import numpy as np

from spectralm.samples.options import SampleOptions

TRAIN, VALIDATION, TEST = "train", "validation", "test"


def hashes(prefix: str, keys: Iterable[object]) -> np.ndarray:
    """[keys] uint64: the big-endian 8-byte BLAKE2b hash of ``"{prefix}:{key}"`` in UTF-8."""
    blake = hashlib.blake2b
    digests = (blake(f"{prefix}:{key}".encode(), digest_size=8).digest() for key in keys)
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)


def splits_of(star_ids: Iterable[str], options: SampleOptions) -> np.ndarray:
    """[stars] The split of each star, the same in every dataset, at every scale, for every model.

    The hash of ``"{seed}:{star_id}"`` divided by 2**64 is a number in [0, 1). Stars below
    ``test_fraction`` are test stars, those in the next ``validation_fraction`` of the rest are
    validation stars, the others are training stars.
    """
    number = hashes(str(options.seed), star_ids) / 2.0**64
    validation = options.test_fraction + options.validation_fraction * (1 - options.test_fraction)
    return np.where(
        number < options.test_fraction,
        TEST,
        np.where(number < validation, VALIDATION, TRAIN),
    )
