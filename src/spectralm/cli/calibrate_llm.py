"""How far the errors of a language model's answers must be widened or narrowed."""

import logging
from pathlib import Path

import numpy as np

from spectralm.evaluation.calibration import factor
from spectralm.language.answers import answer_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import asked_of
from spectralm.language.records import read_records
from spectralm.llm.answering import MOST_CALIBRATED, Calibration, open_reader
from spectralm.llm.options import LlmOptions
from spectralm.progress import progress

#: Stars without whom a label gets no errors: a factor of so few would be luck.
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
    """Answer validation questions, which nothing was learned from, and write for each label the
    factor with which the width of the model's distribution is the error of its answer."""
    asked = [row for path in questions for row in read_records(path)]
    chosen = np.linspace(0, len(asked) - 1, min(MOST_CALIBRATED, len(asked))).round().astype(int)
    asked = [asked[place] for place in chosen]
    reader = open_reader(model, base, options, text, sigmas=True)
    pairs: dict[str, list[tuple[float, float]]] = {}
    replies = progress(reader.replies([row["question"] for row in asked]), len(asked), "answers")
    for row, reply in zip(asked, replies, strict=True):
        star = answer_text(text, asked_of(row["question"])).read(row["answer"])
        for name, sigma in reply.sigmas.items():
            pairs.setdefault(name, []).append((reply.star.values[name] - star.values[name], sigma))
    used = {name: len(found) for name, found in pairs.items()}
    factors = {
        name: factor(*np.transpose(found)) for name, found in pairs.items() if used[name] >= LEAST
    }
    if few := sorted(used.keys() - factors.keys()):
        logging.warning("no errors for %s: fewer than %d validation stars", ", ".join(few), LEAST)
    Calibration(options.generation.reading, factors, used).save(out)
    logging.info("%d validation questions; factors %s", len(asked), factors)
