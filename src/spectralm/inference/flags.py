"""Quality flags of predictions: flags of the spectrum and, in higher bits, of the prediction.

``python -m spectralm.inference.flags`` prints the table for the manual.
"""

from dataclasses import dataclass

import numpy as np

from spectralm.inference.training_domain import TrainingDomain
from spectralm.labels.vocabulary import Label
from spectralm.spectra.flags import FLAGS as SPECTRUM_FLAGS
from spectralm.spectra.flags import Flag

UNPARSED = Flag("unparsed", 16, "the model's answer could not be read")
UNLIKE_TRAINING = Flag(
    "unlike_training",
    17,
    "the spectrum is farther from the training spectra than 99 % of the validation spectra",
)
LOW_SNR = Flag(
    "low_snr", 18, "the signal-to-noise ratio in r is below that of 99 % of the validation spectra"
)
NO_SNR = Flag("no_snr", 19, "the file has neither a signal-to-noise ratio nor errors of the flux")
MASKED = Flag("masked", 20, "more of the grid is masked than in 99 % of the validation spectra")
OUTSIDE_LABELS = Flag(
    "outside_labels", 21, "a label is outside the range of the labels of the training stars"
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
    """Properties of n spectra and their predictions; missing numbers are NaN."""

    distance: np.ndarray
    """[n]; distance from the training spectra."""
    snr: np.ndarray
    """[n]; signal-to-noise ratio in r."""
    masked_fraction: np.ndarray
    """[n]"""
    parsed: np.ndarray
    """[n] bool; whether the answer could be read."""
    values: dict[Label, np.ndarray]
    """Predicted values by label, [n] each."""


def flags_of(predicted: Predicted, domain: TrainingDomain | None) -> np.ndarray:
    """Flags of predictions, int32 [n]; without the flags of the spectra.

    Args:
        predicted: The predictions.
        domain: The training domain of the run; None if it is not known.
    """
    conditions = {
        UNPARSED: ~predicted.parsed,
        NO_SNR: np.isnan(predicted.snr),
        UNDESCRIBED: np.full(len(predicted.snr), domain is None),
    }
    if domain:
        outside = [domain.outside(label, values) for label, values in predicted.values.items()]
        conditions |= {
            UNLIKE_TRAINING: predicted.distance > domain.farthest,
            LOW_SNR: predicted.snr < domain.least_snr,
            MASKED: predicted.masked_fraction > domain.most_masked,
            OUTSIDE_LABELS: np.any(outside, axis=0),
        }
    bits = [flag.value * is_set for flag, is_set in conditions.items()]
    return np.bitwise_or.reduce(bits).astype(np.int32)


def names(flags: int) -> list[str]:
    """Names of the flags that are set."""
    return [flag.name for flag in FLAGS if flags & flag.value]


def markdown() -> str:
    """The table of all flags."""
    rows = (f"| {flag.bit} | `{flag.name}` | {flag.description} |" for flag in FLAGS)
    return "\n".join(["| bit | name | it is set where |", "|---:|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
