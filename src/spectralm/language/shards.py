"""From a shard of spectra and their labels to question-answer records (paper III.1)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from spectralm.labels.vocabulary import PARAMETERS, Label, Targets
from spectralm.language.answers import Star, answer_text
from spectralm.language.errors import RangeError
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import write_question
from spectralm.rejects import Reject
from spectralm.samples.manifest import truth_column
from spectralm.spectra.stored import thousandths_of

STAGE = "write_questions"


def records(
    sample: pa.Table,
    spectra: pa.Table,
    options: TextOptions,
    wavelength: np.ndarray,
    targets: Targets = Targets.PARAMETERS,
) -> tuple[dict[str, list[dict[str, Any]]], list[Reject]]:
    """Question-answer records per split, and the spectra that cannot be learned from.

    A test star whose labels cannot be spelled is asked about all the same, with an empty answer:
    every model must be judged on the same stars. Each question and its answer have the same fields:
    of abundances, those that are not null in the sample.

    Args:
        sample: a manifest shard (labels and split).
        spectra: its spectra shard; joined by obsid, in its own order.
        wavelength: the grid of the spectra, vacuum Angstrom.
    """
    flux_words = flux_text(options, wavelength)
    stars = {row["obsid"]: row for row in sample.to_pylist()}
    columns = {label.name: truth_column(sample, label) for label in targets.labels}
    split_records: dict[str, list[dict[str, Any]]] = {"train": [], "validation": [], "test": []}
    rejects = []
    flux = thousandths_of(spectra)
    for obsid, thousandths in zip(spectra["obsid"].to_pylist(), flux, strict=True):
        row = stars[obsid]
        values = {label: row[column] for label, column in columns.items()}
        asked = _asked_about(values, targets)
        if not asked:
            detail = "the survey has no valid abundance of this star"
            rejects.append(Reject(obsid, row["path"], STAGE, "nothing to ask for", detail))
            continue
        try:
            answer = answer_text(options, asked).write(Star(row["class"], values))
        except RangeError as error:
            if row["split"] != "test":
                unknown = None in (values[label.name] for label in asked)
                reason = "label missing" if unknown else "label out of range"
                detail = f"{error}; nothing to learn from in this spelling"
                rejects.append(Reject(obsid, row["path"], STAGE, reason, detail))
                continue
            answer = ""
        question = write_question(thousandths, flux_words, asked)
        split_records[row["split"]].append({"obsid": obsid, "question": question, "answer": answer})
    return split_records, rejects


def _asked_about(values: Mapping[str, float | None], targets: Targets) -> tuple[Label, ...]:
    if targets == Targets.PARAMETERS:
        return PARAMETERS
    return tuple(label for label in targets.labels if values[label.name] is not None)
