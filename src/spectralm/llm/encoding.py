"""From question-answer records to token ids, and batches with labels on the answer alone."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import datasets
import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

from spectralm.errors import SpectraLMError
from spectralm.language.flux import HIGHEST, LOWEST, FluxText
from spectralm.language.questions import asked_of, read_question, write_question

IGNORED = -100
#: Llama-3.1's template writes a date; a fixed one keeps prompts equal from day to day.
DATE = "26 Jul 2024"


def prompt(question: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """The question as the base model's chat template asks it, up to where the answer begins."""
    messages = [{"role": "user", "content": question}]
    if tokenizer.chat_template is None:
        return f"{question}\n"
    return tokenizer.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True, date_string=DATE
    )


def prompt_ids(
    question: str, tokenizer: PreTrainedTokenizerBase, max_tokens: int
) -> tuple[list[int], bool]:
    """Token ids of a prompt, cut on the left to ``max_tokens``; and whether it was cut."""
    ids = tokenizer(prompt(question, tokenizer), add_special_tokens=False)["input_ids"]
    return ids[-max_tokens:], len(ids) > max_tokens


def answer_ids(answer: str, tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Token ids of an answer and its end."""
    return [*tokenizer(answer, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]


@dataclass(frozen=True)
class FluxNoise:
    """Extra Gaussian noise on training spectra.

    Its level is drawn uniformly between 0 and ``largest`` times the spectrum's mean flux. It
    depends on seed, epoch and obsid only, so an interrupted training sees the same noise again.
    """

    largest: float
    seed: int
    text: FluxText

    def apply(self, question: str, obsid: int, epoch: int) -> str:
        """The question with a noisier spectrum."""
        flux = read_question(question, self.text)
        random = np.random.default_rng([self.seed, epoch, abs(obsid)])
        level = random.uniform(0, self.largest) * abs(flux.mean())
        noisy = np.rint(flux + random.normal(0, level, len(flux)))
        noisy = np.clip(noisy, LOWEST, HIGHEST).astype(np.int16)
        return write_question(noisy, self.text, asked_of(question))


@dataclass
class Questions(torch.utils.data.Dataset):
    """Question-answer files as token ids, encoded when asked for."""

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
        """Map the records of JSONL files into memory by way of an Arrow file in ``cache``.

        Raises:
            SpectraLMError: there is no record in any of the files.
        """
        if not any(map(_has_records, paths)):
            raise SpectraLMError(
                f"{paths[0]} (and {len(paths) - 1} more): no questions in this split; "
                "enlarge it with samples.test_fraction or samples.validation_fraction, or give "
                "more spectra"
            )
        features = datasets.Features(
            obsid=datasets.Value("int64"),
            question=datasets.Value("string"),
            answer=datasets.Value("string"),
        )
        loaded = datasets.load_dataset(
            "json",
            data_files=[str(path) for path in paths],
            features=features,
            split="train",
            cache_dir=str(cache),
        )
        return cls(loaded, tokenizer, max_tokens, noise)

    def spread(self, count: int) -> "Questions":
        """At most ``count`` of the questions, evenly spread over all."""
        count = min(count, len(self))
        chosen = np.linspace(0, len(self) - 1, count).round().astype(int)
        return replace(self, records=self.records.select(chosen))

    def set_epoch(self, epoch: int) -> None:
        """Told by the data loader; the noise depends on it."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        record = self.records[int(index)]
        question = record["question"]
        if self.noise is not None:
            question = self.noise.apply(question, record["obsid"], self.epoch)
        answer = answer_ids(record["answer"], self.tokenizer)
        asked, _ = prompt_ids(question, self.tokenizer, self.max_tokens - len(answer))
        return {"prompt": asked, "answer": answer}

    def truncated_fraction(self, checked: int = 256) -> float:
        """Share of the prompts that are cut to fit, among the first ``checked``."""
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
    """Rows of ids as one tensor [rows, longest], aligned at their ends."""
    longest = max(len(row) for row in rows)
    return torch.tensor([[value] * (longest - len(row)) + list(row) for row in rows])


def right_padded(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Rows of ids as one tensor [rows, longest], aligned at their beginnings."""
    longest = max(len(row) for row in rows)
    return torch.tensor([list(row) + [value] * (longest - len(row)) for row in rows])


def ones(rows: Sequence[Sequence[int]]) -> list[list[int]]:
    """As many ones as there are ids in each row."""
    return [[1] * len(row) for row in rows]


def positions(prompts: Sequence[Sequence[int]], width: int, answers_start: int) -> torch.Tensor:
    """Positions [1, width] of the tokens of prompts that are aligned at their ends, and of answers.

    All answers start at one position. So a pixel has the same position whatever a question asks
    for, which a model with learned positions needs, and one with rotary positions does not notice.
    """
    longest = max(map(len, prompts))
    return (torch.arange(width) - longest + answers_start).clamp(min=0)[None]


@dataclass(frozen=True)
class Collator:
    """Batches for training: prompts padded on the left, answers on the right.

    ``labels`` [batch, K + 1] begin, behind an ignored column, with the answers' tokens, K at most,
    and ``logits_to_keep`` = K + 1 makes the model compute no logits elsewhere: memory does not grow
    with vocabulary x length.
    """

    pad_token_id: int
    answers_start: int
    """Position of every answer's first token."""

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor | int]:
        labels = right_padded([[IGNORED, *row["answer"]] for row in rows], IGNORED)
        if (labels != IGNORED).sum(dim=1).min() < 2:
            raise AssertionError("an example has no answer tokens to learn from")
        prompts, answers = ([row[part] for row in rows] for part in ("prompt", "answer"))
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
