"""Calibration of the errors of a language model's answers."""

import logging
from pathlib import Path

import numpy as np

from spectralm.evaluation.calibration import factor
from spectralm.language.answers import Star
from spectralm.language.options import TextOptions
from spectralm.language.questions import Question
from spectralm.language.records import read_records
from spectralm.llm.answering import MOST_CALIBRATED, Calibration, open_reader
from spectralm.llm.options import LlmOptions
from spectralm.progress import progress

#: Fewest validation stars from which a label's factor is computed.
LEAST = 30


def run(
    *,
    model: Path,
    base: str,
    options: LlmOptions,
    text: TextOptions,
    questions: list[Path],
    out: Path,
) -> None:
    """Answer validation questions, and compute the factors that calibrate the errors.

    A label's factor, times the width of the model's distribution, is the error of an answer.
    """
    records = [record for path in questions for record in read_records(path)]
    count = min(MOST_CALIBRATED, len(records))
    chosen = np.linspace(0, len(records) - 1, count).round().astype(int)
    records = [records[place] for place in chosen]
    reader = open_reader(model, base, options, text, sigmas=True)
    pairs: dict[str, list[tuple[float, float]]] = {}
    replies = reader.replies([Question.of(record) for record in records])
    for record, reply in zip(records, progress(replies, count, "answers"), strict=True):
        if reply.star is None:
            continue
        star = Star.of(record)
        for name, sigma in reply.sigmas.items():
            pairs.setdefault(name, []).append((reply.star.values[name] - star.values[name], sigma))
    used = {name: len(found) for name, found in pairs.items()}
    factors = {
        name: factor(*np.transpose(found)) for name, found in pairs.items() if used[name] >= LEAST
    }
    if few := sorted(used.keys() - factors.keys()):
        logging.warning("no errors for %s: fewer than %d validation stars", ", ".join(few), LEAST)
    Calibration(options.generation.reading, factors, used).save(out)
    logging.info("%d validation questions; factors %s", count, factors)
