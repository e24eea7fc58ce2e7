"""From a shard of spectra and their labels to question-answer records (paper III.1)."""

from collections.abc import Collection

import numpy as np
import pyarrow as pa

from spectralm.labels.vocabulary import PARAMETERS, Label, Targets
from spectralm.language.answers import Star, answer_text
from spectralm.language.errors import RangeError
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import Record, write_question
from spectralm.language.records import make_record
from spectralm.rejects import Reject
from spectralm.samples.manifest import truth_column
from spectralm.spectra.pixels import Pixels

STAGE = "write_questions"


def records(
    sample: pa.Table,
    spectra: pa.Table,
    options: TextOptions,
    grid: np.ndarray,
    targets: Targets = Targets.PARAMETERS,
) -> tuple[dict[str, list[Record]], list[Reject]]:
    """Question-answer records per split, and the rejected spectra.

    A test star whose labels cannot be spelled is kept, with an empty answer: every model must be
    tested on the same stars. Questions about abundances ask for those that are not null in the
    sample.

    Args:
        sample: a manifest shard (labels and split).
        spectra: its spectra shard; joined by obsid, in the order of this table.
        options: how questions and answers are spelled.
        grid: of the spectra, vacuum Angstrom.
        targets: the labels to ask for.
    """
    flux_words = flux_text(options, grid)
    stars = {row["obsid"]: row for row in sample.to_pylist()}
    columns = {label.name: truth_column(sample, label) for label in targets.labels}
    split_records: dict[str, list[Record]] = {"train": [], "validation": [], "test": []}
    rejects = []
    flux = Pixels.of(spectra).binned(options.bin).flux
    for obsid, thousandths in zip(spectra["obsid"].to_pylist(), flux, strict=True):
        row = stars[obsid]
        values = {name: row[column] for name, column in columns.items() if row[column] is not None}
        asked = _asked_about(values, targets)
        if not asked:
            detail = "the survey has no valid abundance of this star"
            rejects.append(Reject(obsid, row["path"], STAGE, "nothing to ask for", detail))
            continue
        try:
            answer = answer_text(options, asked).write(Star(row["class"], values))
        except RangeError as error:
            if row["split"] != "test":
                complete = all(label.name in values for label in asked)
                reason = "label out of range" if complete else "label missing"
                detail = f"{error}; no answer to train on in this spelling"
                rejects.append(Reject(obsid, row["path"], STAGE, reason, detail))
                continue
            answer = ""
        question = write_question(thousandths, flux_words, asked)
        record = make_record(obsid, asked, question, answer, options)
        split_records[row["split"]].append(record)
    return split_records, rejects


def _asked_about(available: Collection[str], targets: Targets) -> tuple[Label, ...]:
    if targets == Targets.PARAMETERS:
        return PARAMETERS
    return tuple(label for label in targets.labels if label.name in available)
