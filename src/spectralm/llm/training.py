"""Training an adapter (paper III.3), so that it can stop at any moment and go on."""

import json
import logging
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import Trainer, TrainerCallback, TrainingArguments

from spectralm.errors import SpectraLMError
from spectralm.files import atomic, sha256, write_json
from spectralm.fingerprint import fingerprint
from spectralm.labels.vocabulary import Ask
from spectralm.language.answers import Star, answer_text
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import asked_of
from spectralm.llm.answer_only import AnswerOnlyLayer
from spectralm.llm.base import (
    ADAPTER_WEIGHTS,
    add_adapter,
    load_adapter,
    load_base,
    load_tokenizer,
    resume_adapter,
    tokenizer_hash,
)
from spectralm.llm.encoding import Collator, FluxNoise, Questions
from spectralm.llm.generation import Reader
from spectralm.llm.loss import answer_loss
from spectralm.llm.options import LlmOptions
from spectralm.llm.workspace import last_whole_checkpoint
from spectralm.provenance import Clock, provenance, workspace_key
from spectralm.spectra.options import SpectraOptions

LIBRARIES = ("accelerate", "bitsandbytes", "peft", "tokenizers", "torch", "transformers")


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
    after: Path | None = None
    """Folder of the adapter that the training goes on from: stage 2."""

    @property
    def ask(self) -> Ask:
        """What the questions ask for."""
        return Ask.PARAMETERS if self.after is None else Ask.ABUNDANCES

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
        ask: Ask,
        reader: Reader,
        questions: list[str],
        stars: list[Star],
        **settings,
    ):
        super().__init__(*arguments, **settings)
        self.ask = ask
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
        if pairs and self.ask is Ask.PARAMETERS:
            right = [told.spectral_class == star.spectral_class for told, star in pairs]
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


def train(task: Task, workspaces: Path, tensorboard: Path, out: Path) -> None:
    """Train the adapter of a run, from its last checkpoint if there is one, and write it.

    Files appear in ``out`` only when all is done: adapter, metrics.json, and manifest.json last.

    Raises:
        SpectraLMError: a split is empty, or the trained adapter is.
    """
    facts = task.facts()
    workspace = workspaces / workspace_key(facts)
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(tensorboard)
    clock = Clock(workspace / "clock.json")
    trainer, questions = _trainer(task, workspace)
    trainer.add_callback(KeptClock(clock))
    checkpoint = last_whole_checkpoint(workspace)
    logging.info("workspace %s, %s", workspace, f"from {checkpoint}" if checkpoint else "new")
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    final = trainer.evaluate()
    trainer.save_model(str(workspace / "adapter"))
    if trainer.is_world_process_zero():
        check_adapter(task, workspace / "adapter", trainer, final["eval_loss"])
        metrics = {
            **final,
            "truncated_fraction": questions.truncated_fraction(),
            "history": trainer.state.log_history,
        }
        trained, total = trainer.model.get_nb_trainable_parameters()
        manifest = {
            **facts,
            **provenance(LIBRARIES),
            **clock.read(),
            "kind": task.options.kind,
            "n_train": len(questions),
            "n_validation": len(trainer.eval_dataset),
            "parameters": trained,
            "parameters_total": total,
            "steps": trainer.state.global_step,
            "adapter_sha256": sha256(workspace / "adapter" / ADAPTER_WEIGHTS),
        }
        publish(workspace / "adapter", out, metrics, manifest)
        shutil.rmtree(workspace)


def _trainer(task: Task, workspace: Path) -> tuple[AnsweringTrainer, Questions]:
    options, training = task.options, task.options.training
    tokenizer = load_tokenizer(task.base)
    noise = None
    if training.flux_noise:
        words = flux_text(task.text, task.spectra.grid)
        noise = FluxNoise(training.flux_noise, training.seed, words)
    cache = workspace / "questions"
    questions = Questions.open(task.train, cache, tokenizer, options.max_tokens, noise)
    validation = Questions.open(task.validation, cache, tokenizer, options.max_tokens).spread(
        training.evaluation_spectra
    )
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
        args=_arguments(task, workspace),
        train_dataset=questions,
        eval_dataset=validation,
        data_collator=Collator(tokenizer.pad_token_id, options.max_tokens),
        compute_loss_func=answer_loss(training.soft_targets, task.text, task.ask, tokenizer),
        ask=task.ask,
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


def _arguments(task: Task, workspace: Path) -> TrainingArguments:
    training = task.options.training
    return TrainingArguments(
        output_dir=str(workspace),
        num_train_epochs=training.epochs,
        per_device_train_batch_size=training.batch_size,
        per_device_eval_batch_size=task.options.generation.batch_size,
        gradient_accumulation_steps=training.accumulation,
        optim="adamw_torch",
        learning_rate=training.learning_rate,
        weight_decay=training.weight_decay,
        lr_scheduler_type="cosine",
        warmup_steps=training.warmup_fraction,
        bf16=True,
        use_cpu=not torch.cuda.is_available(),
        ddp_backend=None if torch.cuda.is_available() or not _distributed() else "gloo",
        gradient_checkpointing=training.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        # Shares of all steps; as 1.0 would mean every step, the end counts as one more.
        eval_strategy="steps" if training.evaluations else "no",
        eval_steps=1 / (training.evaluations + 1),
        save_strategy="steps",
        save_steps=1 / (training.checkpoints + 1),
        save_total_limit=2,
        logging_steps=1 / 100,
        report_to=["tensorboard"],
        disable_tqdm=not sys.stderr.isatty(),
        prediction_loss_only=True,
        remove_unused_columns=False,
        seed=training.seed,
        data_seed=training.seed,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _distributed() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def check_adapter(task: Task, folder: Path, trainer: Trainer, loss: float) -> None:
    """Check a saved adapter: nothing empty, B trained, and the same loss when loaded again.

    Raises:
        SpectraLMError: one of these does not hold (ANCHORS: complaint 8).
    """
    for name, tensor in load_file(folder / ADAPTER_WEIGHTS).items():
        if tensor.numel() == 0 or ("lora_B" in name and not tensor.any()):
            raise SpectraLMError(f"{folder}: {name} is empty or untrained; the adapter is useless")
    reloaded = load_adapter(load_base(task.base, task.options.quantise), folder)
    again = _loss_of(reloaded, trainer)
    if abs(again - loss) > 0.01 * max(1.0, loss):
        raise SpectraLMError(
            f"{folder}: validation loss {loss:.4f} before saving but {again:.4f} after loading"
        )


def _loss_of(model: PeftModel, trainer: Trainer) -> float:
    """Validation loss of a model that is not the Trainer's own."""
    device = trainer.args.device
    model = model.to(device)
    total = items = 0.0
    for batch in torch.utils.data.DataLoader(
        trainer.eval_dataset,
        batch_size=trainer.args.per_device_eval_batch_size,
        collate_fn=trainer.data_collator,
    ):
        batch = trainer._prepare_inputs(batch)
        labels = batch.pop("labels")
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
            loss = trainer.compute_loss_func(model(**batch), labels)
        total += float(loss) * len(labels)
        items += len(labels)
    return total / items


def publish(adapter: Path, out: Path, metrics: Mapping, manifest: Mapping) -> None:
    """Copy the finished adapter to its place, then the metrics, and the manifest last."""
    with atomic(out / ADAPTER_WEIGHTS) as temporary:
        shutil.copyfile(adapter / ADAPTER_WEIGHTS, temporary)
    config = json.loads((adapter / "adapter_config.json").read_text())
    # PEFT writes this set in any order; sorted, equal trainings give equal files.
    config["target_modules"].sort()
    write_json(out / "adapter_config.json", config)
    write_json(out / "metrics.json", metrics)
    write_json(out / "manifest.json", manifest)
