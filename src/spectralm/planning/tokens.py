"""How many tokens a question and its answer have."""

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

#: What Llama-3.1's chat template, with its date, writes more than the tiny tokenizer's own.
TEMPLATE = 36
STAR = Star(
    "M",
    {"teff": 3794.66, "logg": 4.628, "feh": -0.0295}
    | {label.name: -0.1514 for label in ABUNDANCES},
)


@dataclass(frozen=True)
class Length:
    """Tokens of one question and of its answer."""

    question: int
    answer: int
    characters: int
    """Of both, as text."""
    branches: int
    """Forward passes more, for one answer alone, that its errors take where numbers are spelled
    digit by digit: one for each digit down to the label's step."""

    @property
    def total(self) -> int:
        """Tokens of both together."""
        return self.question + self.answer


def length(
    options: LlmOptions, text: TextOptions, wavelength: np.ndarray, targets: Targets
) -> Length:
    """The length of a question about a spectrum without negative flux, with its answer.

    Counted with the tokenizer of a base that is a folder; else with the tiny base's, which splits
    digits as Llama-3's does. Texts longer than ``max_tokens`` are cut, as in training.
    """
    folder = Path(options.base).is_dir()
    tokenizer = load_tokenizer(options.base) if folder else tiny_tokenizer()
    flux = np.random.default_rng(0).integers(0, 1000, len(wavelength)).astype(np.int16)
    question = write_question(flux, flux_text(text, wavelength), targets.labels)
    answer = answer_text(text, targets.labels).write(STAR)
    said = len(answer_ids(answer, tokenizer))
    asked, _ = prompt_ids(question, tokenizer, options.max_tokens - said)
    tokens = len(asked) + (0 if folder else TEMPLATE)
    branches = 0
    if text.answer == "characters":
        branches = sum(ceil(log10((each.high - each.low) / each.step)) for each in targets.labels)
    return Length(
        question=min(tokens, options.max_tokens - said),
        answer=said,
        characters=len(question) + len(answer),
        branches=branches,
    )
