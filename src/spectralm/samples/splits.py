"""Which stars are trained on, and in which order spectra are dealt: both by a hash."""

import hashlib
from collections.abc import Iterable

import numpy as np

from spectralm.samples.options import SampleOptions

TRAIN, VALIDATION, TEST = "train", "validation", "test"


def hashes(words: str, keys: Iterable[object]) -> np.ndarray:
    """[keys] uint64: the first 8 bytes, big-endian, of BLAKE2b of ``"{words}:{key}"`` in UTF-8."""
    blake = hashlib.blake2b
    digests = (blake(f"{words}:{key}".encode(), digest_size=8).digest() for key in keys)
    return np.frombuffer(b"".join(digests), ">u8").astype(np.uint64)


def splits_of(star_ids: Iterable[str], options: SampleOptions) -> np.ndarray:
    """[stars] The split of each star: the same in every dataset, at every scale, for every model.

    The hash of ``"{seed}:{star_id}"`` over 2**64 is a number in [0, 1): below ``test_fraction`` the
    star is tested on, in the next ``validation_fraction`` of the rest it validates, else it trains.
    """
    number = hashes(str(options.seed), star_ids) / 2.0**64
    validation = options.test_fraction + options.validation_fraction * (1 - options.test_fraction)
    return np.where(
        number < options.test_fraction,
        TEST,
        np.where(number < validation, VALIDATION, TRAIN),
    )
