"""Calibration of the errors of a language model's answers."""

import logging
from collections.abc import Mapping, Sequence
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
from spectralm.spectra.store import Store

#: Fewest validation stars from which a label's factor is computed.
LEAST = 30

#: A residual and the width of the model's distribution.
Pair = tuple[float, float]


def run(
    *,
    model: Path,
    base: str,
    options: LlmOptions,
    text: TextOptions,
    questions: list[Path],
    spectra: list[Path] | None = None,
    out: Path,
) -> None:
    """Answer validation questions, and compute the factors that calibrate the errors.

    A label's factor, times the width of the model's distribution, is the error of an answer. In
    stage 1 each class in the answer has factors of its own.
    """
    records = [record for path in questions for record in read_records(path)]
    count = min(MOST_CALIBRATED, len(records))
    chosen = np.linspace(0, len(records) - 1, count).round().astype(int)
    records = [records[place] for place in chosen]
    asked = [Question.of(record) for record in records]
    store = None
    if spectra:
        store = Store.read(spectra, (question.obsid for question in asked), text.bin)
    reader = open_reader(model, base, options, text, sigmas=True, spectra=store)
    pairs: dict[str, list[Pair]] = {}
    of_class: dict[str, dict[str, list[Pair]]] = {}
    replies = reader.replies(asked)
    for record, reply in zip(records, progress(replies, count, "answers"), strict=True):
        if reply.star is None:
            continue
        star = Star.of(record)
        for name, sigma in reply.sigmas.items():
            pair = reply.star.values[name] - star.values[name], sigma
            pairs.setdefault(name, []).append(pair)
            if reply.star.spectral_class is not None:
                named = of_class.setdefault(reply.star.spectral_class, {})
                named.setdefault(name, []).append(pair)
    used = {name: len(found) for name, found in pairs.items()}
    factors = _factors(pairs)
    if few := sorted(used.keys() - factors.keys()):
        logging.warning("no errors for %s: fewer than %d validation stars", ", ".join(few), LEAST)
    by_class = {name: _factors(found) for name, found in sorted(of_class.items())}
    Calibration(options.generation.reading, factors, used, by_class).save(out)
    logging.info("%d validation questions; factors %s; %s", count, factors, by_class)


def _factors(pairs: Mapping[str, Sequence[Pair]]) -> dict[str, float]:
    """The factor of each label that has enough stars."""
    return {
        name: factor(*np.transpose(found)) for name, found in pairs.items() if len(found) >= LEAST
    }
