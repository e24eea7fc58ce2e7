"""Toy spectra as text or as pixels, few and short enough for a training of seconds."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from peft import PeftModel
from transformers import PreTrainedModel

from spectralm.labels.vocabulary import CLASSES, LABELS, Targets
from spectralm.language.answers import Star, answer_text
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import Question, Record, write_question
from spectralm.language.records import make_record, read_records, write_records
from spectralm.llm.adapter import add_adapter
from spectralm.llm.base import load_base
from spectralm.llm.options import LlmOptions, LoraOptions
from spectralm.schemas import SPECTRA, schema
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.pixels import Pixels
from spectralm.spectra.shards import write_spectra
from spectralm.spectra.store import Store

GRID = 3800.0 + 20.0 * np.arange(40)
PIXELS = SpectraOptions(start=GRID[0], stop=GRID[-1], step=20.0)
STAGE_2 = Targets("C,MG,CE")
C, MG, CE = STAGE_2.labels
#: A read-in of each kind; both make ten tokens of a toy spectrum.
ENCODER = {"kind": "encoder", "channels": [8, 16], "hidden": 32, "tokens": 10, "width": 16}
PATCHES = {"kind": "patches", "pixels": 4, "channels": 8, "width": 16}
TEXTS = {
    "grouped": TextOptions(flux="compact", answer="grouped"),
    "characters": TextOptions(flux="paper", answer="characters"),
    "soft": TextOptions(flux="soft", answer="grouped"),
}


def base_on_cpu(folder: Path | str, quantise: bool = False) -> PreTrainedModel:
    """A frozen base, as a training loads it."""
    return load_base(str(folder), LlmOptions(quantise=quantise), torch.device("cpu"))


def adapted_model(toy: "Toy", read_in: dict | None, quantise: bool = False) -> PeftModel:
    """The base of a toy experiment with an untrained adapter, whose B are not zero."""
    options = LlmOptions(read_in=read_in)
    lora = LoraOptions(rank=4, dropout=0.0)
    base = base_on_cpu(toy.base, quantise)
    model = add_adapter(base, lora, 0, options.read_in, toy.store())
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return model.eval()


@dataclass(frozen=True)
class Toy:
    """Paths of a toy experiment."""

    base: Path
    text: TextOptions
    train: Path
    validation: Path
    targets: Targets = Targets.PARAMETERS
    shards: tuple[Path, ...] = ()
    """Spectra of the training and of the validation questions, for soft tokens."""
    spectra: SpectraOptions = PIXELS
    """With the grid of the spectra."""

    def store(self) -> Store | None:
        """The spectra of all questions."""
        if not self.shards:
            return None
        rows = (row for path in (self.train, self.validation) for row in read_records(path))
        return Store.read(self.shards, (row["obsid"] for row in rows), self.text.bin)


def make_toy(
    folder: Path,
    base: Path,
    text: TextOptions,
    targets: Targets = Targets.PARAMETERS,
    counts: tuple[int, int] = (96, 16),
    seeds: tuple[int, int] = (1, 2),
    spectra: SpectraOptions = PIXELS,
) -> Toy:
    """Write a toy experiment into a folder.

    Args:
        folder: for questions and spectra.
        base: the base model.
        text: of the questions.
        targets: the parameters or ``STAGE_2``.
        counts: of training and of validation spectra.
        seeds: of both.
        spectra: with their grid.
    """
    make = toy_stars if targets == Targets.PARAMETERS else stage_2_stars
    questions, shards = [], []
    for name, count, seed, first in zip(
        ("train", "validation"), counts, seeds, (0, 1000), strict=True
    ):
        stars, flux = make(count, seed, spectra.grid)
        questions.append(folder / f"{name}.jsonl.gz")
        write_records(questions[-1], records_of(stars, flux, text, first, spectra.grid))
        if text.flux == "soft":
            shards.append(folder / f"{name}.parquet")
            write_shard(shards[-1], flux, seed, first, spectra)
    return Toy(base, text, *questions, targets, tuple(shards), spectra)


def write_shard(
    path: Path, flux: np.ndarray, seed: int, first: int, spectra: SpectraOptions = PIXELS
) -> None:
    """Write spectra as the rule does; a tenth of the pixels is masked, where the flux is zero."""
    masked = np.random.default_rng(seed).random(flux.shape) < 0.1
    columns = Pixels(np.where(masked, 0, flux).astype(np.int16), masked).columns()
    columns["obsid"] = pa.array(range(first, first + len(flux)), pa.int64())
    for field in schema(SPECTRA):
        columns.setdefault(field.name, pa.nulls(len(flux), field.type))
    write_spectra(path, pa.table(columns), spectra)


def questions_of(records: Path | Iterable[Record]) -> list[Question]:
    """The questions of records, or of a file of them."""
    return list(map(Question.of, read_records(records) if isinstance(records, Path) else records))


def records_of(
    stars: Sequence[Star],
    flux: np.ndarray,
    text: TextOptions,
    first: int = 0,
    grid: np.ndarray = GRID,
) -> list[Record]:
    """Questions about flux, int16 [stars, grid], for the labels of each star, with answers.

    Args:
        stars: with the values of the labels.
        flux: of them.
        text: of the questions.
        first: obsid of the first one.
        grid: of the flux, Angstrom.
    """
    words = flux_text(text, grid)
    rows = []
    binned = Pixels(flux, np.zeros(flux.shape, bool)).binned(text.bin).flux
    for number, (star, thousandths) in enumerate(zip(stars, binned, strict=True), first):
        asked = tuple(LABELS[name] for name in star.values)
        question = write_question(thousandths, words, asked)
        answer = answer_text(text, asked).write(star)
        rows.append(make_record(number, asked, question, answer, text))
    return rows


def stage_2_records(text: TextOptions, count: int, seed: int) -> list[Record]:
    """Questions about spectra of :func:`stage_2_stars`."""
    return records_of(*stage_2_stars(count, seed), text)


def stage_2_stars(count: int, seed: int, grid: np.ndarray = GRID) -> tuple[list[Star], np.ndarray]:
    """Stars with some abundances of C, Mg and Ce, and spectra [count, grid] with a line of each."""
    random = np.random.default_rng(seed)
    stars, rows = [], []
    for _ in range(count):
        asked = [label for label in STAGE_2.labels if random.random() < 0.6] or [MG]
        values = {label.name: random.uniform(-0.5, 0.5) for label in asked}
        flux = 0.5 + random.normal(0, 0.003, len(grid))
        for label, line in ((C, 3950), (MG, 4150), (CE, 4400)):
            depth = 0.2 + 0.2 * values.get(label.name, 0.0)
            flux -= depth * np.exp(-(((grid - line) / 40) ** 2))
        stars.append(Star(None, values))
        rows.append(flux)
    return stars, np.rint(1000 * np.array(rows)).astype(np.int16)


def toy_records(text: TextOptions, count: int, seed: int) -> list[Record]:
    """Questions about spectra of :func:`toy_stars`."""
    return records_of(*toy_stars(count, seed), text)


def toy_stars(count: int, seed: int, grid: np.ndarray = GRID) -> tuple[list[Star], np.ndarray]:
    """Stars, and spectra [count, grid]: the slope depends on Teff, two lines on logg and [Fe/H]."""
    random = np.random.default_rng(seed)
    slope = np.linspace(-1, 0.95, len(grid))
    stars, rows = [], []
    for _ in range(count):
        teff, logg, feh = random.uniform((3500, 1, -2), (8500, 5, 0.5))
        flux = 0.5 + (teff - 6000) / 10000 * slope
        flux -= 0.05 * logg * np.exp(-(((grid - 4000) / 40) ** 2))
        flux -= 0.1 * (feh + 2) * np.exp(-(((grid - 4300) / 40) ** 2))
        flux += random.normal(0, 0.003, len(grid))
        spectral_class = CLASSES[min(4, int((8500 - teff) // 1000))]
        stars.append(Star(spectral_class, {"teff": teff, "logg": logg, "feh": feh}))
        rows.append(flux)
    return stars, np.rint(1000 * np.array(rows)).astype(np.int16)
