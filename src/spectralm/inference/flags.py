"""Flags of predictions: those of the spectrum, and in higher bits those of the answer.

``python -m spectralm.inference.flags`` prints the table for the manual.
"""

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
    "undescribed", 22, "the run has no training_set.safetensors: bits 17, 18, 20 and 21 are not set"
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


def names(flags: int) -> list[str]:
    """Names of the flags that are set."""
    return [flag.name for flag in FLAGS if flags & flag.value]


def markdown() -> str:
    """The table of all flags."""
    rows = (f"| {flag.bit} | `{flag.name}` | {flag.description} |" for flag in FLAGS)
    return "\n".join(["| bit | name | it is set where |", "|---:|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    print(markdown(), end="")
