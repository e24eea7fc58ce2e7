"""From question-answer records to token ids, and batches with labels on the answer alone."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

import datasets
import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from spectralm.errors import InputError, SpectraLMError
from spectralm.labels.vocabulary import LABELS
from spectralm.language.questions import CLOSE, OPEN, Question
from spectralm.llm.augmentation import Augmentation
from spectralm.llm.read_in.soft_tokens import PLACEHOLDER
from spectralm.spectra.store import Store

#: Label of the tokens that have no loss.
IGNORED = -100
#: Llama-3.1's chat template writes a date; a fixed one keeps prompts the same every day.
DATE = "26 Jul 2024"
#: Prompts with soft tokens in the cache: in stage 1 all are the same.
KEPT_PROMPTS = 1024
#: Types of a record's fields. `labels` has every label, null where a record lacks it.
FEATURES = datasets.Features(
    obsid=datasets.Value("int64"),
    asked=datasets.List(datasets.Value("string")),
    labels={
        "class": datasets.Value("string"),
        **dict.fromkeys(LABELS, datasets.Value("float64")),
    },
    question=datasets.Value("string"),
    answer=datasets.Value("string"),
)


class Example(TypedDict):
    """Token ids of a question's prompt, and of its answer with the end token."""

    prompt: list[int]
    answer: list[int]
    spectrum: np.ndarray | None
    """Flux and mask, float32 [2, pixels], where the prompt has placeholders of soft tokens."""


def prompt(question: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """The question in the base model's chat template, up to where the answer begins."""
    if tokenizer.chat_template is None:
        return f"{question}\n"
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}],
        tokenize=False,
        add_generation_prompt=True,
        date_string=DATE,
    )
    assert isinstance(text, str)
    return text


def prompt_ids(
    question: str, tokenizer: PreTrainedTokenizerBase, max_tokens: int, soft_tokens: int = 0
) -> tuple[list[int], bool]:
    """Token ids of a prompt, cut on the left to ``max_tokens``; and whether it was cut.

    Args:
        question: its text.
        tokenizer: of the base.
        max_tokens: most tokens.
        soft_tokens: number of placeholders in the place of the flux; 0 if it is written.

    Raises:
        InputError: a prompt with soft tokens is longer than ``max_tokens``.
    """
    if soft_tokens:
        ids = _soft_prompt_ids(question, tokenizer, soft_tokens)
        if len(ids) > max_tokens:
            found = f"room for {max_tokens} tokens of a question, which has {len(ids)}"
            raise InputError("models", "max_tokens", found, "raise it; soft tokens cannot be cut")
    else:
        ids = _ids(prompt(question, tokenizer), tokenizer)
    return ids[-max_tokens:], len(ids) > max_tokens


@lru_cache(maxsize=KEPT_PROMPTS)
def _soft_prompt_ids(
    question: str, tokenizer: PreTrainedTokenizerBase, soft_tokens: int
) -> list[int]:
    before, after = prompt(question, tokenizer).split(OPEN + CLOSE)
    placeholders = [PLACEHOLDER] * soft_tokens
    return _ids(before + OPEN, tokenizer) + placeholders + _ids(CLOSE + after, tokenizer)


def _ids(text: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    return tokenizer(text, add_special_tokens=False)["input_ids"]


def answer_ids(answer: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Token ids of an answer, with the end token."""
    return [*_ids(answer, tokenizer), tokenizer.eos_token_id]


@dataclass
class Questions(torch.utils.data.Dataset[Example]):
    """Question-answer files as token ids, encoded on access."""

    records: datasets.Dataset
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    soft_tokens: int = 0
    spectra: Store | None = None
    """Of the questions; needed for soft tokens."""
    augmentation: Augmentation | None = None
    epoch: int = field(default=0, init=False)
    """On which the augmentation depends."""

    @classmethod
    def open(
        cls,
        paths: Sequence[Path],
        cache: Path,
        tokenizer: PreTrainedTokenizerBase,
        max_tokens: int,
    ) -> "Questions":
        """Convert JSONL files to an Arrow file in ``cache``, which is memory-mapped.

        Raises:
            SpectraLMError: all files are empty.
        """
        if not any(map(_has_records, paths)):
            raise SpectraLMError(
                f"{paths[0]} (and {len(paths) - 1} more): no questions in this split; "
                "enlarge it with samples.test_fraction or samples.validation_fraction, or give "
                "more spectra"
            )
        loaded = datasets.load_dataset(
            "json",
            data_files=[str(path) for path in paths],
            features=FEATURES,
            split="train",
            cache_dir=str(cache),
        )
        return cls(loaded, tokenizer, max_tokens)

    def evenly_spaced(self, count: int) -> "Questions":
        """At most ``count`` of the questions, evenly spread over all."""
        count = min(count, len(self))
        chosen = np.linspace(0, len(self) - 1, count).round().astype(int)
        return replace(self, records=self.records.select(chosen))

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Example:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[Example]:
        """The examples of a batch, which take less time together than one by one."""
        columns = self.records[list(map(int, indices))]
        answers = self.tokenizer(columns["answer"], add_special_tokens=False)["input_ids"]
        columns["answer"] = [[*answer, self.tokenizer.eos_token_id] for answer in answers]
        names = ("obsid", "asked", "question", "answer")
        rows = zip(*(columns[name] for name in names), strict=True)
        return [self._example(*row) for row in rows]

    def _example(self, obsid: int, asked: list[str], question: str, answer: list[int]) -> Example:
        spectrum = None
        if self.spectra is not None:
            spectrum = self.spectra[obsid]
            if self.augmentation is not None:
                spectrum = self.augmentation.spectrum(spectrum, obsid, self.epoch)
        elif self.augmentation is not None:
            labels = tuple(LABELS[name] for name in asked)
            question = self.augmentation.question(Question(question, labels, obsid), self.epoch)
        prompt, _ = self._prompt_ids(question, len(answer))
        return {"prompt": prompt, "answer": answer, "spectrum": spectrum}

    def _prompt_ids(self, question: str, answer: int) -> tuple[list[int], bool]:
        return prompt_ids(question, self.tokenizer, self.max_tokens - answer, self.soft_tokens)

    def truncated_fraction(self, checked: int = 256) -> float:
        """Fraction of the prompts that are cut to ``max_tokens``, of the first ``checked``."""
        records = self.records.select(range(min(checked, len(self.records))))
        cut = [
            self._prompt_ids(record["question"], len(answer_ids(record["answer"], self.tokenizer)))[
                1
            ]
            for record in records
        ]
        return float(np.mean(cut)) if cut else 0.0


def _has_records(path: Path) -> bool:
    with gzip.open(path) as packed:
        return bool(packed.read(1))


def left_padded(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Rows of ids as one tensor [rows, longest], padded at the beginning."""
    longest = max(len(row) for row in rows)
    return torch.tensor([[value] * (longest - len(row)) + list(row) for row in rows])


def right_padded(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Rows of ids as one tensor [rows, longest], padded at the end."""
    longest = max(len(row) for row in rows)
    return torch.tensor([list(row) + [value] * (longest - len(row)) for row in rows])


def ones(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """Rows of ones, of the same lengths: attention masks before padding."""
    return [[1] * len(row) for row in rows]


def positions(prompts: Sequence[Sequence[int]], width: int, answers_start: int) -> torch.Tensor:
    """Positions [1, width] of left-padded prompts and the answers after them.

    All answers start at the same position. So a pixel has the same position in every question,
    which a model with learned positions needs; rotary positions give the same results either way.
    """
    longest = max(map(len, prompts))
    return (torch.arange(width) - longest + answers_start).clamp(min=0)[None]


@dataclass(frozen=True)
class Collator:
    """Batches for training: prompts padded on the left, answers on the right.

    ``labels`` [batch, K + 1] are an ignored column and the tokens of the answers, of which the
    longest has K. With ``logits_to_keep`` = K + 1 the model computes logits for the answers alone
    (docs/training_facts.md).
    """

    pad_token_id: int
    answers_start: int
    """Position of every answer's first token."""

    def __call__(self, rows: Sequence[Example]) -> dict[str, torch.Tensor | int]:
        """The batch of some examples, as arguments of the model, with labels.

        Raises:
            AssertionError: an answer has no token besides the end token.
        """
        prompts, answers = [row["prompt"] for row in rows], [row["answer"] for row in rows]
        labels = right_padded([[IGNORED, *answer] for answer in answers], IGNORED)
        if min(map(len, answers)) < 2:
            raise AssertionError("an example has no answer tokens to train on")
        parts = (left_padded(prompts, self.pad_token_id), right_padded(answers, self.pad_token_id))
        ids = torch.cat(parts, dim=1)
        masks = (left_padded(ones(prompts), 0), right_padded(ones(answers), 0))
        spectra = [row["spectrum"] for row in rows if row["spectrum"] is not None]
        return {
            "input_ids": ids,
            "attention_mask": torch.cat(masks, dim=1),
            "position_ids": positions(prompts, ids.shape[1], self.answers_start),
            "labels": labels,
            "logits_to_keep": labels.shape[1],
            **({"spectra": torch.from_numpy(np.stack(spectra))} if spectra else {}),
        }
