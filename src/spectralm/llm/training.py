"""Training an adapter (paper III.3), so that it can stop at any moment and go on."""

import logging
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from transformers import Trainer, TrainerCallback, TrainingArguments

from spectralm.files import sha256
from spectralm.fingerprint import fingerprint
from spectralm.labels.vocabulary import Ask
from spectralm.language.answers import Star, answer_text
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import asked_of
from spectralm.llm.answer_only import AnswerOnlyLayer
from spectralm.llm.arguments import training_arguments
from spectralm.llm.base import (
    ADAPTER_WEIGHTS,
    add_adapter,
    load_base,
    load_tokenizer,
    resume_adapter,
    tokenizer_hash,
)
from spectralm.llm.encoding import Collator, FluxNoise, Questions
from spectralm.llm.finish import check_adapter, finish
from spectralm.llm.generation import Reader
from spectralm.llm.loss import answer_loss
from spectralm.llm.options import LlmOptions
from spectralm.llm.workspace import last_whole_checkpoint
from spectralm.progress import Progress
from spectralm.provenance import Clock, provenance, workspace_key
from spectralm.spectra.options import SpectraOptions
from spectralm.workspace import Lock, is_finished, publish

LIBRARIES = (
    "accelerate",
    "bitsandbytes",
    "deepspeed",
    "peft",
    "tokenizers",
    "torch",
    "transformers",
)


@dataclass(frozen=True)
class Task:
    """What is to be trained: options, texts and data of one run."""

    options: LlmOptions
    text: TextOptions
    spectra: SpectraOptions
    """How the spectra were made; tells their grid."""
    train: Sequence[Path]
    validation: Sequence[Path]
    base: str
    """Folder or hub id of the base model (`options.base` may say `tiny`)."""
    ask: Ask
    """What the questions ask for, or of it what the survey has."""
    after: Path | None = None
    """Folder of the adapter that the training goes on from: stage 2."""

    def facts(self) -> dict[str, object]:
        """Everything that decides the result; its hash names the workspace."""
        return {
            "ask": self.ask,
            "options": self.options.model_dump(),
            "text": self.text.model_dump(),
            "spectra": self.spectra.model_dump(),
            "train_sha256": sha256(*self.train),
            "validation_sha256": sha256(*self.validation),
            "base": self.base,
            "after_sha256": self.after and sha256(self.after / ADAPTER_WEIGHTS),
            "tokenizer_sha256": tokenizer_hash(load_tokenizer(self.base)),
            "code": fingerprint("train_llm"),
        }


class AnsweringTrainer(Trainer):
    """A Trainer that also scores generated answers whenever it evaluates."""

    def __init__(
        self,
        *arguments,
        reader: Reader,
        questions: list[str],
        stars: list[Star],
        **settings,
    ):
        super().__init__(*arguments, **settings)
        self.reader = reader
        self.questions = questions
        self.stars = stars

    def evaluate(self, *arguments, **settings) -> dict[str, float]:
        """Validation loss, and of the generated answers: sigma per label and share parsed."""
        metrics = super().evaluate(*arguments, **settings)
        self.model.eval()
        answers = self.answer_metrics()
        self.log(answers)
        return metrics | answers

    def answer_metrics(self) -> dict[str, float]:
        """Statistics of residuals of the generated answers to the validation questions."""
        replies = list(self.reader.replies(self.questions))
        pairs = [
            (reply.star, star)
            for reply, star in zip(replies, self.stars, strict=True)
            if reply.star is not None
        ]
        metrics = {"eval_parsed": len(pairs) / len(replies)}
        residuals = defaultdict(list)
        for told, star in pairs:
            for name, value in star.values.items():
                residuals[name].append(told.values[name] - value)
        for name, differences in residuals.items():
            metrics[f"eval_sigma_{name}"] = float(np.std(differences))
        right = [
            told.spectral_class == star.spectral_class
            for told, star in pairs
            if star.spectral_class is not None
        ]
        if right:
            metrics["eval_class_accuracy"] = float(np.mean(right))
        return metrics


class KeptClock(TrainerCallback):
    """Keeps the time with each checkpoint."""

    def __init__(self, clock: Clock):
        self.clock = clock

    def on_save(self, arguments, state, control, **others) -> None:
        """After a checkpoint is written."""
        if state.is_world_process_zero:
            self.clock.keep()


class ToldProgress(TrainerCallback):
    """Tells a log how far the training is; on a terminal the Trainer has a bar."""

    def on_train_begin(self, arguments, state, control, **others) -> None:
        """Before the first step, which may be one after a checkpoint's."""
        self.progress = Progress(state.max_steps, "steps", state.global_step)

    def on_step_end(self, arguments, state, control, **others) -> None:
        """After each step."""
        if state.is_world_process_zero:
            self.progress.to(state.global_step)


def train(task: Task, workspaces: Path, tensorboard: Path, out: Path) -> None:
    """Train the adapter of a run, from its last checkpoint if there is one, and write it.

    Files appear in ``out`` only when all is done: adapter, metrics.json, and manifest.json last.
    Called by each process of a training; the first one holds the workspace's lock.

    Raises:
        InputError: another training has the workspace.
        SpectraLMError: a split is empty, or the trained adapter is.
    """
    facts = task.facts()
    workspace = workspaces / workspace_key(facts)
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(tensorboard)
    first = os.environ.get("RANK", "0") == "0"
    with Lock(workspace) if first else nullcontext():
        # The processes meet here, so none touches a workspace that the first one has not got.
        arguments = training_arguments(task.options, workspace)
        PartialState().wait_for_everyone()
        state = [is_finished(workspace), None]
        if first and not state[0]:
            state[1] = last_whole_checkpoint(workspace, PartialState().num_processes)
        finished, checkpoint = broadcast_object_list(state)
        if not finished:
            logging.info("workspace %s, %s", workspace, f"from {checkpoint or 'the beginning'}")
            _train(task, facts, workspace, arguments, checkpoint)
        if first:
            publish(workspace, out)


def _train(
    task: Task,
    facts: Mapping[str, object],
    workspace: Path,
    arguments: TrainingArguments,
    checkpoint: Path | None,
) -> None:
    """Train, and leave the adapter, metrics and manifest in the workspace's ``finished``."""
    clock = Clock(workspace / "clock.json")
    trainer, questions = _trainer(task, workspace, arguments)
    trainer.add_callback(KeptClock(clock))
    if trainer.args.disable_tqdm:
        trainer.add_callback(ToldProgress())
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    final = trainer.evaluate()
    trainer.save_model(str(workspace / "adapter"))
    trained, total = trainer.model.get_nb_trainable_parameters()
    if trainer.is_world_process_zero():
        options = task.options
        check_adapter(
            workspace / "adapter", task.base, options.quantise, trainer, final["eval_loss"]
        )
        metrics = {
            **final,
            "truncated_fraction": questions.truncated_fraction(),
            "history": trainer.state.log_history,
        }
        manifest = {
            **facts,
            **provenance(LIBRARIES),
            **clock.read(),
            "kind": options.kind,
            "n_train": len(questions),
            "n_validation": len(trainer.eval_dataset),
            "parameters": trained,
            "parameters_total": total,
            "steps": trainer.state.global_step,
            "adapter_sha256": sha256(workspace / "adapter" / ADAPTER_WEIGHTS),
        }
        finish(workspace, metrics, manifest)
    PartialState().wait_for_everyone()


def _trainer(
    task: Task, workspace: Path, arguments: TrainingArguments
) -> tuple[AnsweringTrainer, Questions]:
    options, training = task.options, task.options.training
    tokenizer = load_tokenizer(task.base)
    noise = None
    if training.flux_noise:
        words = flux_text(task.text, task.spectra.grid)
        noise = FluxNoise(training.flux_noise, training.seed, words)
    cache = workspace / "questions"
    with PartialState().main_process_first():
        questions = Questions.open(task.train, cache, tokenizer, options.max_tokens, noise)
        validation = Questions.open(task.validation, cache, tokenizer, options.max_tokens)
    validation = validation.spread(training.evaluation_spectra)
    model = load_base(task.base, options.quantise, training.gradient_checkpointing)
    if task.after is None:
        model = add_adapter(model, options.lora, training.seed)
    else:
        model = resume_adapter(model, task.after)
    if training.answer_only_layer:
        AnswerOnlyLayer(model)
    generation = options.generation
    trainer = AnsweringTrainer(
        model=model,
        args=arguments,
        train_dataset=questions,
        eval_dataset=validation,
        data_collator=Collator(tokenizer.pad_token_id, options.max_tokens),
        compute_loss_func=answer_loss(training.soft_targets, task.text, task.ask, tokenizer),
        reader=Reader(
            model,
            tokenizer,
            task.text,
            options.max_tokens,
            generation.batch_size,
            generation.reading,
        ),
        questions=validation.records["question"][:],
        stars=[
            answer_text(task.text, asked_of(record["question"])).read(record["answer"])
            for record in validation.records
        ],
    )
    return trainer, questions
