"""Quality flags of predictions: those of the spectrum, and in higher bits those of the answer.

``python -m spectralm.inference.flags`` prints the table for the manual.
"""

from dataclasses import dataclass

import numpy as np

from spectralm.inference.training_domain import TrainingDomain
from spectralm.labels.vocabulary import Label
from spectralm.spectra.flags import FLAGS as SPECTRUM_FLAGS
from spectralm.spectra.flags import Flag

UNPARSED = Flag("unparsed", 16, "the model gave no answer that could be read")
UNLIKE_TRAINING = Flag(
    "unlike_training",
    17,
    "the spectrum is further from the training spectra than 99 % of the validation spectra",
)
LOW_SNR = Flag(
    "low_snr", 18, "its signal-to-noise ratio in r is below that of 99 % of the validation spectra"
)
NO_SNR = Flag("no_snr", 19, "the file tells neither a signal-to-noise ratio nor errors of the flux")
MASKED = Flag("masked", 20, "more of the grid is masked than in 99 % of the validation spectra")
OUTSIDE_LABELS = Flag(
    "outside_labels", 21, "a label is outside the range of the training stars' labels"
)
UNDESCRIBED = Flag(
    "undescribed",
    22,
    "the run has no training_domain.safetensors: bits 17, 18, 20 and 21 are not set",
)

#: Every bit of the column ``flags`` of a prediction.
FLAGS = (
    *SPECTRUM_FLAGS,
    UNPARSED,
    UNLIKE_TRAINING,
    LOW_SNR,
    NO_SNR,
    MASKED,
    OUTSIDE_LABELS,
    UNDESCRIBED,
)


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


def flags_of(predicted: Predicted, known: TrainingDomain | None) -> np.ndarray:
    """Bits [n], int32, of :data:`FLAGS` beside the spectrum's own."""
    conditions = {
        UNPARSED: ~predicted.parsed,
        NO_SNR: np.isnan(predicted.snr),
        UNDESCRIBED: np.full(len(predicted.snr), known is None),
    }
    if known:
        outside = [known.outside(label, values) for label, values in predicted.values.items()]
        conditions |= {
            UNLIKE_TRAINING: predicted.distance > known.farthest,
            LOW_SNR: predicted.snr < known.least_snr,
            MASKED: predicted.masked_fraction > known.most_masked,
            OUTSIDE_LABELS: np.any(outside, axis=0),
        }
    bits = [flag.value * is_set for flag, is_set in conditions.items()]
    return np.sum(bits, axis=0, dtype=np.int32)


def names(flags: int) -> list[str]:
    """Names of the flags that are set."""
    return [flag.name for flag in FLAGS if flags & flag.value]


def markdown() -> str:
    """The table of all flags."""
    rows = (f"| {flag.bit} | `{flag.name}` | {flag.description} |" for flag in FLAGS)
    return "\n".join(["| bit | name | it is set where |", "|---:|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
