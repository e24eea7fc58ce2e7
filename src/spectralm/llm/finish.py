"""A trained adapter is saved, checked and handed over."""

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
from transformers import Trainer, TrainingArguments
from transformers.integrations.deepspeed import set_hf_deepspeed_config, unset_hf_deepspeed_config

from spectralm.errors import SpectraLMError
from spectralm.files import atomic, write_json
from spectralm.llm.adapter import CONFIG, WEIGHTS, check_weights
from spectralm.llm.base import load_adapter, load_base
from spectralm.llm.encoding import Questions
from spectralm.llm.learner import Task
from spectralm.llm.scoring import AnsweringTrainer
from spectralm.llm.tokenizer import name_on_hub
from spectralm.workspace import FINISHED, MANIFEST

#: Questions whose loss is compared before saving and after loading.
CHECKED = 16
#: Relative differences between the loss before saving and after loading. Rounding gives less than
#: the first; a larger one is recorded and warned of. The second means another model.
NOTED, REFUSED = 0.01, 0.1


def save_and_check(
    trainer: AnsweringTrainer, folder: Path, task: Task, trained: bool
) -> dict[str, float]:
    """Save the adapter as it is now, and load it again to see that it can be used.

    The first process loads a base of its own and compares the loss of some validation questions,
    few enough for the others to wait.

    Args:
        trained: whether steps were taken; before, all B are zero.

    Returns:
        The loss of these questions, ``few_loss``; on the first process also after loading,
        ``few_loss_loaded``.

    Raises:
        SpectraLMError: a tensor is empty or untrained, or the loss is another one.
    """
    trainer.save_model(str(folder))
    # Whole batches: to fill one, the Trainer counts a question twice.
    width = trainer.args.eval_batch_size * PartialState().num_processes
    batches = max(min(CHECKED, len(trainer.eval_dataset)) // width, 1)
    few = trainer.eval_dataset.spread(batches * width)
    before = trainer.loss_of(few)
    metrics = {"few_loss": before}
    if trainer.is_world_process_zero():
        check_weights(folder, trained)
        after = _loss_of_saved(trainer, folder, task, few)
        check_loss(folder, before, after)
        metrics["few_loss_loaded"] = after
    PartialState().wait_for_everyone()
    return metrics


def check_loss(folder: Path, before: float, after: float) -> None:
    """Compare the losses before saving and after loading; a small difference is a warning.

    Raises:
        SpectraLMError: the difference is large, or one of them is not finite.
    """
    sentence = f"{folder}: loss {before:.4f} before saving but {after:.4f} after loading"
    gap = abs(after - before) / max(1.0, before)
    if not gap <= REFUSED:
        raise SpectraLMError(sentence)
    if gap > NOTED:
        logging.warning("%s", sentence)


def _loss_of_saved(trainer: Trainer, folder: Path, task: Task, questions: Questions) -> float:
    with _without_sharding(trainer.args):
        model = load_base(task.base, task.options, trainer.args.device)
    loss = _loss_of(load_adapter(model, folder), trainer, questions)
    # A model's parts refer to each other; the training needs their memory at once.
    del model
    gc.collect()
    torch.cuda.empty_cache()
    return loss


@contextmanager
def _without_sharding(arguments: TrainingArguments) -> Iterator[None]:
    """Let a base be loaded whole, also in a training under ZeRO-3, which shares its own."""
    unset_hf_deepspeed_config()
    try:
        yield
    finally:
        if arguments.deepspeed is not None:
            set_hf_deepspeed_config(arguments.hf_deepspeed_config)


def _loss_of(model: PeftModel, trainer: Trainer, questions: Questions) -> float:
    """Loss of a model that is not the Trainer's own."""
    device = trainer.args.device
    total = items = 0.0
    for batch in torch.utils.data.DataLoader(
        questions,
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


def finish(workspace: Path, metrics: Mapping, manifest: Mapping) -> None:
    """Put the checked adapter with its metrics into ``finished``, and the manifest last."""
    adapter, finished = workspace / "adapter", workspace / FINISHED
    with atomic(finished / WEIGHTS) as temporary:
        shutil.copyfile(adapter / WEIGHTS, temporary)
    config = json.loads((adapter / CONFIG).read_text())
    # PEFT writes this set in any order; sorted, equal trainings give equal files.
    config["target_modules"].sort()
    config["base_model_name_or_path"] = name_on_hub(manifest["base"])
    write_json(finished / CONFIG, config)
    write_json(finished / "metrics.json", metrics)
    write_json(finished / MANIFEST, manifest)
