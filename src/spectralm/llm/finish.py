"""Saving and checking a trained adapter, and publishing its files."""

import gc
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from accelerate import PartialState
from peft import PeftModel
from transformers import TrainingArguments
from transformers.integrations.deepspeed import set_hf_deepspeed_config, unset_hf_deepspeed_config

from spectralm.errors import SpectraLMError
from spectralm.files import atomic, write_json
from spectralm.llm.adapter import load_adapter
from spectralm.llm.adapter_files import CONFIG, WEIGHTS, check_weights
from spectralm.llm.base import load_base
from spectralm.llm.device import precision
from spectralm.llm.encoding import Questions
from spectralm.llm.learner import Task
from spectralm.llm.scoring import AnsweringTrainer
from spectralm.llm.tokenizer import name_on_hub
from spectralm.workspace import FINISHED, MANIFEST

#: Questions whose loss is compared before saving and after loading.
CHECKED = 16
#: Relative difference between the loss before saving and after loading: above the first value, more
#: than rounding, there is a warning; above the second, the model is another one.
NOTED, REFUSED = 0.01, 0.1


def save_and_check(
    trainer: AnsweringTrainer, folder: Path, task: Task, trained: bool
) -> dict[str, float]:
    """Save the adapter as it is now, and load it again to check that it can be used.

    The first process loads the base a second time and compares the loss of a few validation
    questions, while the other processes wait.

    Args:
        trainer: of the training.
        folder: where the adapter is saved.
        task: what is trained.
        trained: whether steps were taken; before the first step all B are zero.

    Returns:
        The loss of these questions, ``check_loss``; in the first process also the loss after
        loading, ``check_loss_loaded``.

    Raises:
        SpectraLMError: a tensor is empty or untrained, or the loss differs.
    """
    trainer.save_model(str(folder))
    # Whole batches (docs/training_facts.md).
    width = trainer.args.eval_batch_size * PartialState().num_processes
    validation = trainer.learner.validation
    batches = max(min(CHECKED, len(validation)) // width, 1)
    few = validation.evenly_spaced(batches * width)
    before = trainer.loss_of(few)
    metrics = {"check_loss": before}
    if trainer.is_world_process_zero():
        check_weights(folder, trained)
        after = _loss_of_saved(trainer, folder, task, few)
        compare_losses(folder, before, after)
        metrics["check_loss_loaded"] = after
    PartialState().wait_for_everyone()
    return metrics


def compare_losses(folder: Path, before: float, after: float) -> None:
    """Compare the losses before saving and after loading; warn of a small difference.

    Raises:
        SpectraLMError: the difference is large, or a loss is not finite.
    """
    sentence = f"{folder}: loss {before:.4f} before saving but {after:.4f} after loading"
    gap = abs(after - before) / max(1.0, before)
    if not gap <= REFUSED:
        raise SpectraLMError(sentence)
    if gap > NOTED:
        logging.warning("%s", sentence)


def _loss_of_saved(
    trainer: AnsweringTrainer, folder: Path, task: Task, questions: Questions
) -> float:
    with _without_sharding(trainer.args):
        model = load_base(task.base, task.options, trainer.args.device)
    loss = _loss_of(load_adapter(model, folder, task.options.read_in), trainer, questions)
    # The model's objects refer to each other, and the training needs their memory now.
    del model
    gc.collect()
    torch.cuda.empty_cache()
    return loss


@contextmanager
def _without_sharding(arguments: TrainingArguments) -> Iterator[None]:
    """Load a base whole inside the block, even in a training under ZeRO-3."""
    unset_hf_deepspeed_config()
    try:
        yield
    finally:
        if arguments.deepspeed is not None:
            set_hf_deepspeed_config(arguments.hf_deepspeed_config)


def _loss_of(model: PeftModel, trainer: AnsweringTrainer, questions: Questions) -> float:
    """Mean loss of a model that is not the Trainer's own."""
    total = items = 0.0
    for batch in torch.utils.data.DataLoader(
        questions,
        batch_size=trainer.args.per_device_eval_batch_size,
        collate_fn=trainer.learner.collator,
    ):
        batch = trainer._prepare_inputs(batch)
        labels = batch.pop("labels")
        with torch.inference_mode(), precision(model):
            loss = trainer.learner.loss(model(**batch), labels)
        total += float(loss) * len(labels)
        items += len(labels)
    return total / items


def finish(workspace: Path, metrics: Mapping[str, object], manifest: Mapping[str, object]) -> None:
    """Write the checked adapter and its metrics to ``finished``, and the manifest last."""
    adapter, finished = workspace / "adapter", workspace / FINISHED
    with atomic(finished / WEIGHTS) as temporary:
        shutil.copyfile(adapter / WEIGHTS, temporary)
    config = json.loads((adapter / CONFIG).read_text())
    # PEFT writes this set in random order.
    config["target_modules"].sort()
    config["base_model_name_or_path"] = name_on_hub(str(manifest["base"]))
    write_json(finished / CONFIG, config)
    write_json(finished / "metrics.json", metrics)
    write_json(finished / MANIFEST, manifest)
