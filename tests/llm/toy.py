"""Toy spectra as text, few and short enough for a training of seconds."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import PreTrainedModel

from spectralm.labels.vocabulary import CLASSES, PARAMETERS, Targets
from spectralm.language.answers import Star, answer_text
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import Question, Record, write_question
from spectralm.language.records import make_record, read_records
from spectralm.llm.base import load_base
from spectralm.llm.options import LlmOptions

GRID = 3800.0 + 20.0 * np.arange(40)
STAGE_2 = Targets("C,MG,CE")
C, MG, CE = STAGE_2.labels


def base_on_cpu(folder: Path | str, quantise: bool = False) -> PreTrainedModel:
    """A frozen base, as a training loads it."""
    return load_base(str(folder), LlmOptions(quantise=quantise), torch.device("cpu"))


@dataclass(frozen=True)
class Toy:
    """Paths of a toy experiment."""

    base: Path
    text: TextOptions
    train: Path
    validation: Path
    targets: Targets = Targets.PARAMETERS


def questions_of(records: Path | Iterable[Record]) -> list[Question]:
    """The questions of records, or of a file of them."""
    return list(map(Question.of, read_records(records) if isinstance(records, Path) else records))


def stage_2_records(text: TextOptions, count: int, seed: int) -> list[Record]:
    """Spectra with a line each for C, Mg and Ce; each question asks for some of them."""
    random = np.random.default_rng(seed)
    words = flux_text(text, GRID)
    rows = []
    for number in range(count):
        asked = [label for label in STAGE_2.labels if random.random() < 0.6] or [MG]
        values = {label.name: random.uniform(-0.5, 0.5) for label in asked}
        flux = 0.5 + random.normal(0, 0.003, len(GRID))
        for label, line in ((C, 3950), (MG, 4150), (CE, 4400)):
            depth = 0.2 + 0.2 * values.get(label.name, 0.0)
            flux -= depth * np.exp(-(((GRID - line) / 40) ** 2))
        thousandths = np.rint(1000 * flux).astype(np.int16)
        question = write_question(thousandths, words, tuple(asked))
        answer = answer_text(text, tuple(asked)).write(Star(None, values))
        rows.append(make_record(number, tuple(asked), question, answer, text))
    return rows


def toy_records(text: TextOptions, count: int, seed: int) -> list[Record]:
    """Spectra whose slope depends on Teff and whose two lines depend on logg and [Fe/H]."""
    random = np.random.default_rng(seed)
    words, answers = flux_text(text, GRID), answer_text(text)
    rows = []
    for number in range(count):
        teff, logg, feh = random.uniform((3500, 1, -2), (8500, 5, 0.5))
        flux = 0.5 + (teff - 6000) / 10000 * (GRID - 4200) / 400
        flux -= 0.05 * logg * np.exp(-(((GRID - 4000) / 40) ** 2))
        flux -= 0.1 * (feh + 2) * np.exp(-(((GRID - 4300) / 40) ** 2))
        flux += random.normal(0, 0.003, len(GRID))
        spectral_class = CLASSES[min(4, int((8500 - teff) // 1000))]
        star = Star(spectral_class, {"teff": teff, "logg": logg, "feh": feh})
        question = write_question(np.rint(1000 * flux).astype(np.int16), words)
        rows.append(make_record(number, PARAMETERS, question, answers.write(star), text))
    return rows
