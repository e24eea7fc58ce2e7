"""Which flags the predictions of a run bear."""

from dataclasses import dataclass

import numpy as np

from spectralm.inference import flags
from spectralm.inference.training_set import TrainingSet
from spectralm.labels.vocabulary import Label


@dataclass(frozen=True)
class Predicted:
    """What is known of n spectra and of the answers to them; NaN where there is nothing."""

    distance: np.ndarray
    """[n] from the training spectra."""
    snr: np.ndarray
    """[n] in r."""
    masked_fraction: np.ndarray
    parsed: np.ndarray
    """[n] bool; whether the answer could be read."""
    values: dict[Label, np.ndarray]
    """Of each label, [n]."""


def flags_of(predicted: Predicted, known: TrainingSet | None) -> np.ndarray:
    """Bits [n], int32, of :data:`~spectralm.inference.flags.FLAGS` beside the spectrum's own."""
    conditions = {
        flags.UNPARSED: ~predicted.parsed,
        flags.NO_SNR: np.isnan(predicted.snr),
        flags.UNDESCRIBED: np.full(len(predicted.snr), known is None),
    }
    if known:
        outside = [known.outside(label, values) for label, values in predicted.values.items()]
        conditions |= {
            flags.UNLIKE_TRAINING: predicted.distance > known.farthest,
            flags.LOW_SNR: predicted.snr < known.least_snr,
            flags.MASKED: predicted.masked_fraction > known.most_masked,
            flags.OUTSIDE_LABELS: np.any(outside, axis=0),
        }
    bits = [flag.value * is_set for flag, is_set in conditions.items()]
    return np.sum(bits, axis=0, dtype=np.int32)
