"""From question-answer records to token ids, and batches with labels on the answer alone."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

import datasets
import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from spectralm.errors import SpectraLMError
from spectralm.labels.vocabulary import LABELS
from spectralm.language.flux import HIGHEST, LOWEST, FluxText
from spectralm.language.questions import Question, Record, read_question, write_question

#: Label of the tokens that have no loss.
IGNORED = -100
#: Llama-3.1's chat template writes a date; a fixed one keeps prompts the same every day.
DATE = "26 Jul 2024"
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
    question: str, tokenizer: PreTrainedTokenizerBase, max_tokens: int
) -> tuple[list[int], bool]:
    """Token ids of a prompt, cut on the left to ``max_tokens``; and whether it was cut."""
    ids = tokenizer(prompt(question, tokenizer), add_special_tokens=False)["input_ids"]
    return ids[-max_tokens:], len(ids) > max_tokens


def answer_ids(answer: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Token ids of an answer, with the end token."""
    return [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


@dataclass(frozen=True)
class FluxNoise:
    """Extra Gaussian noise on training spectra.

    Its level is drawn uniformly between 0 and ``largest`` times the spectrum's mean flux. The noise
    depends only on seed, epoch and obsid, so that a resumed training gets the same noise.
    """

    largest: float
    seed: int
    text: FluxText

    def apply(self, question: Question, obsid: int, epoch: int) -> str:
        """The text of the question with noise added to its spectrum."""
        flux = read_question(question.text, self.text, question.asked)
        random = np.random.default_rng([self.seed, epoch, abs(obsid)])
        level = random.uniform(0, self.largest) * abs(flux.mean())
        noisy = np.rint(flux + random.normal(0, level, len(flux)))
        noisy = np.clip(noisy, LOWEST, HIGHEST).astype(np.int16)
        return write_question(noisy, self.text, question.asked)


@dataclass
class Questions(torch.utils.data.Dataset[Example]):
    """Question-answer files as token ids, encoded on access."""

    records: datasets.Dataset
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int
    noise: FluxNoise | None = None
    epoch: int = field(default=0, init=False)

    @classmethod
    def open(
        cls,
        paths: Sequence[Path],
        cache: Path,
        tokenizer: PreTrainedTokenizerBase,
        max_tokens: int,
        noise: FluxNoise | None = None,
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
        return cls(loaded, tokenizer, max_tokens, noise)

    def evenly_spaced(self, count: int) -> "Questions":
        """At most ``count`` of the questions, evenly spread over all."""
        count = min(count, len(self))
        chosen = np.linspace(0, len(self) - 1, count).round().astype(int)
        return replace(self, records=self.records.select(chosen))

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch, on which the noise depends; called by the data loader."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Example:
        record: Record = self.records[int(index)]
        question = record["question"]
        if self.noise is not None:
            question = self.noise.apply(Question.of(record), record["obsid"], self.epoch)
        answer = answer_ids(record["answer"], self.tokenizer)
        ids, _ = prompt_ids(question, self.tokenizer, self.max_tokens - len(answer))
        return {"prompt": ids, "answer": answer}

    def truncated_fraction(self, checked: int = 256) -> float:
        """Fraction of the prompts that are cut to ``max_tokens``, of the first ``checked``."""
        records = self.records.select(range(min(checked, len(self.records))))
        cut = [
            prompt_ids(
                record["question"],
                self.tokenizer,
                self.max_tokens - len(answer_ids(record["answer"], self.tokenizer)),
            )[1]
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
        return {
            "input_ids": ids,
            "attention_mask": torch.cat(masks, dim=1),
            "position_ids": positions(prompts, ids.shape[1], self.answers_start),
            "labels": labels,
            "logits_to_keep": labels.shape[1],
        }
