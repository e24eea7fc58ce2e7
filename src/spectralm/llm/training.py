"""Training of an adapter (paper III.3) that can be stopped and resumed at any time."""

import logging
import os
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from transformers import TrainingArguments

from spectralm.files import sha256
from spectralm.llm.adapter_files import WEIGHTS
from spectralm.llm.arguments import training_arguments
from spectralm.llm.callbacks import (
    LoggedProgress,
    SaveClock,
    SaveWhenWarned,
    StepTimer,
    StopWhenDiverged,
    UseCurrentIntervals,
)
from spectralm.llm.checkpoints import keep_layout, last_whole_checkpoint, weight_facts
from spectralm.llm.device import local_device
from spectralm.llm.finish import finish, save_and_check
from spectralm.llm.generation import Reader
from spectralm.llm.learner import Learner, SetEpoch, Task, make_learner
from spectralm.llm.scoring import AnsweringTrainer
from spectralm.provenance import Clock, provenance, workspace_key
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


def train(task: Task, workspaces: Path, tensorboard: Path, out: Path) -> None:
    """Train the adapter of a run, from its last checkpoint if there is one, and write it.

    Files are written to ``out`` at the end only: adapter, metrics.json, and manifest.json last.
    Each process of a training calls this; the first one holds the workspace's lock.

    Raises:
        InputError: another training uses the workspace, its checkpoints need another number of
            processes, or the base needs a GPU and there is none.
        SpectraLMError: a split or the trained adapter is empty.
    """
    facts = weight_facts(task)
    workspace = workspaces / workspace_key(facts)
    os.environ["TENSORBOARD_LOGGING_DIR"] = str(tensorboard)
    device = local_device(task.options)
    first = os.environ.get("RANK", "0") == "0"
    with Lock(workspace) if first else nullcontext():
        # All processes wait until the first one has the lock.
        arguments = training_arguments(task.options, workspace, device)
        PartialState().wait_for_everyone()
        finished, checkpoint = is_finished(workspace), None
        if first and not finished:
            processes = PartialState().num_processes
            keep_layout(workspace, processes, task.options.training.zero3)
            checkpoint = last_whole_checkpoint(workspace, processes)
        finished, checkpoint = broadcast_object_list([finished, checkpoint])
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
    """Train, and write adapter, metrics and manifest to the workspace's ``finished``."""
    clock = Clock(workspace / "clock.json")
    learner = make_learner(task, workspace / "questions", arguments.device)
    # Whatever can fail at the end should fail before the first step.
    arguments.eval_on_start = checkpoint is None
    trainer = _trainer(task, learner, workspace, arguments)
    timer = StepTimer()
    others = (UseCurrentIntervals(), StopWhenDiverged(), SaveWhenWarned())
    for callback in (SetEpoch(learner.questions), SaveClock(clock), timer, *others):
        trainer.add_callback(callback)
    if arguments.disable_tqdm:
        trainer.add_callback(LoggedProgress())
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    final = trainer.evaluate()
    final |= save_and_check(trainer, workspace / "adapter", task, trained=True)
    if trainer.is_world_process_zero():
        trained, total = learner.model.get_nb_trainable_parameters()
        metrics = {
            **final,
            **timer.metrics(),
            "truncated_fraction": learner.questions.truncated_fraction(),
            "history": trainer.state.log_history,
        }
        manifest = {
            **facts,
            **provenance(LIBRARIES),
            **clock.read(),
            "kind": task.options.kind,
            "looks_at_spectrum": True,
            "given": [],
            "options": task.options.model_dump(),
            "validation_sha256": sha256(*task.validation),
            "n_train": len(learner.questions),
            "n_validation": len(learner.validation),
            "parameters": trained,
            "parameters_total": total,
            "steps": trainer.state.global_step,
            "adapter_sha256": sha256(workspace / "adapter" / WEIGHTS),
        }
        finish(workspace, metrics, manifest)
    PartialState().wait_for_everyone()


def _trainer(
    task: Task, learner: Learner, workspace: Path, arguments: TrainingArguments
) -> AnsweringTrainer:
    def check_saving(trainer: AnsweringTrainer) -> dict[str, float]:
        return save_and_check(trainer, workspace / "first_check", task, trained=False)

    reader = Reader(
        learner.model,
        learner.tokenizer,
        task.text,
        task.options.max_tokens,
        task.options.training.evaluation_batch_size,
        task.options.generation.reading,
        spectra=learner.validation.spectra,
    )
    return AnsweringTrainer(learner, arguments, reader, check_saving)
