"""Numbers of tokens of a question and its answer."""

from dataclasses import dataclass
from math import ceil, log10
from pathlib import Path

import numpy as np

from spectralm.labels.vocabulary import ABUNDANCES, Targets
from spectralm.language.answers import Star, answer_text
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import write_question
from spectralm.llm.encoding import answer_ids, prompt_ids
from spectralm.llm.options import LlmOptions
from spectralm.llm.tiny import tiny_tokenizer
from spectralm.llm.tokenizer import load_tokenizer

#: Tokens of Llama-3.1's chat template, which has a date, minus those of the tiny tokenizer's.
TEMPLATE = 36
STAR = Star(
    "M",
    {"teff": 3794.66, "logg": 4.628, "feh": -0.0295}
    | {label.name: -0.1514 for label in ABUNDANCES},
)


@dataclass(frozen=True)
class Length:
    """Length of one question and of its answer, in tokens."""

    question: int
    answer: int
    characters: int
    """Length of both in characters."""
    pixels: int
    """Length of the spectrum that a read-in makes soft tokens of."""
    branches: int
    """Further forward passes for the errors of one answer, if numbers are written digit by digit:
    one for each digit down to the step of the label."""

    @property
    def total(self) -> int:
        """Tokens of question and answer."""
        return self.question + self.answer


def length(options: LlmOptions, text: TextOptions, grid: np.ndarray, targets: Targets) -> Length:
    """The length of a question about a spectrum without negative flux, and of its answer.

    If the base is a folder, its tokenizer is used; else that of the tiny base, which splits digits
    like Llama-3's. Questions are truncated to ``max_tokens``, as in training.

    Args:
        options: Options of the language model.
        text: Options of the text.
        grid: Wavelengths of the spectra [grid].
        targets: What is predicted.
    """
    folder = Path(options.base).is_dir()
    tokenizer = load_tokenizer(options.base) if folder else tiny_tokenizer(whole_sentences=False)
    words = flux_text(text, grid)
    pixels = len(words.wavelength)
    flux = np.random.default_rng(0).integers(0, 1000, pixels).astype(np.int16)
    question = write_question(flux, words, targets.labels)
    soft_tokens = options.read_in.soft_tokens(pixels) if options.read_in else 0
    answer = answer_text(text, targets.labels).write(STAR)
    answer_tokens = len(answer_ids(answer, tokenizer))
    room = options.max_tokens - answer_tokens
    prompt, _ = prompt_ids(question, tokenizer, room, soft_tokens)
    tokens = len(prompt) + (0 if folder else TEMPLATE)
    branches = 0
    if text.answer == "characters":
        branches = sum(ceil(log10((each.high - each.low) / each.step)) for each in targets.labels)
    return Length(
        question=min(tokens, room),
        answer=answer_tokens,
        characters=len(question) + len(answer),
        pixels=pixels,
        branches=branches,
    )
