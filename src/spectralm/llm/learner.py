"""Model, data and loss of a training: all that decides an adapter's weights (paper III.3).

The hash of this module's import closure is part of a training's name (:mod:`spectralm.llm.code`);
code that evaluates, saves or answers is in other modules.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from peft import PeftModel
from transformers import (
    PreTrainedTokenizerBase,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from spectralm.errors import InputError
from spectralm.labels.vocabulary import Targets
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.llm.adapter import add_adapter, resume_adapter
from spectralm.llm.answer_only import AnswerOnlyLayer
from spectralm.llm.augmentation import Augmentation
from spectralm.llm.base import load_base
from spectralm.llm.encoding import Collator, Questions
from spectralm.llm.loss import AnswerLoss, answer_loss
from spectralm.llm.options import AugmentationOptions, LlmOptions
from spectralm.llm.tokenizer import load_tokenizer
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.pixels import bin_centres
from spectralm.spectra.store import Store


@dataclass(frozen=True)
class Task:
    """Options, texts and data of one run's training."""

    options: LlmOptions
    text: TextOptions
    spectra: SpectraOptions
    """How the spectra were made, with their grid."""
    train: Sequence[Path]
    validation: Sequence[Path]
    base: str
    """Folder or hub id of the base model (`options.base` may say `tiny`)."""
    targets: Targets
    """The labels that the questions ask for."""
    after: Path | None = None
    """Folder of the adapter from which stage 2 continues; None in stage 1."""
    shards: Sequence[Path] = ()
    """Files of the spectra that the questions are about; needed for soft tokens."""


@dataclass
class Learner:
    """A model, its data and its loss."""

    model: PeftModel
    tokenizer: PreTrainedTokenizerBase
    questions: Questions
    validation: Questions
    """Used for evaluation alone."""
    collator: Collator
    loss: AnswerLoss


def make_learner(task: Task, cache: Path, device: torch.device) -> Learner:
    """Load data, base and adapter of a task; under ZeRO-3 TrainingArguments must exist before.

    Args:
        task: what to train.
        cache: folder for the questions as Arrow files.
        device: of this process.

    Raises:
        InputError: the base, the adapter of stage 1, or the spectra of soft tokens are missing.
        SpectraLMError: a split has no questions.
    """
    options, training = task.options, task.options.training
    tokenizer = load_tokenizer(task.base)
    with PartialState().main_process_first():
        questions = Questions.open(task.train, cache, tokenizer, options.max_tokens)
        validation = Questions.open(task.validation, cache, tokenizer, options.max_tokens)
        if options.read_in:
            if not task.shards:
                raise InputError("spectra", "files", "none", "give the spectra of the questions")
            pixels = len(bin_centres(task.spectra.grid, task.text.bin))
            for part, name in ((questions, "train"), (validation, "validation")):
                part.soft_tokens = options.read_in.soft_tokens(pixels)
                part.spectra = Store.copy(
                    task.shards, part.records["obsid"][:], task.text.bin, cache / name
                )
    if training.augmentation != AugmentationOptions():
        words = flux_text(task.text, task.spectra.grid)
        questions.augmentation = Augmentation(training.augmentation, training.seed, words)
    base = load_base(task.base, options, device)
    if task.after is None:
        model = add_adapter(base, options.lora, training.seed, options.read_in, questions.spectra)
    else:
        model = resume_adapter(base, task.after, options.read_in)
    if training.answer_only_layer:
        AnswerOnlyLayer(model)
    return Learner(
        model=model,
        tokenizer=tokenizer,
        questions=questions,
        validation=validation.evenly_spaced(training.evaluation_spectra),
        collator=Collator(tokenizer.pad_token_id, options.max_tokens),
        loss=answer_loss(training.soft_targets, task.text, task.targets, tokenizer),
    )


class SetEpoch(TrainerCallback):
    """Gives the questions their epoch, on which the augmentation depends.

    Accelerate (1.15) would give it with one process only, and not after a resume.
    """

    def __init__(self, questions: Questions):
        self.questions = questions

    def on_epoch_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **others: Any
    ) -> None:
        """Before the first batch of an epoch, or the first one after a checkpoint."""
        self.questions.epoch = int(state.epoch or 0)
