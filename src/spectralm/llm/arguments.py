"""The arguments of the Trainer: recipe, devices, evaluations and checkpoints."""

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from transformers import TrainingArguments

from spectralm.llm.device import uses_bf16
from spectralm.llm.options import LlmOptions
from spectralm.llm.recipe import recipe

#: Seconds that the other processes wait while the first one checks the saved adapter.
TIMEOUT = 7200
#: Steps from one logged loss to the next.
LOGGED = 10


def training_arguments(
    options: LlmOptions, workspace: Path, device: torch.device
) -> TrainingArguments:
    """Arguments of a training in ``workspace``; creating them connects its processes.

    With ZeRO-3 they must exist before the base is loaded: it is sharded during loading.
    """
    training, cpu = options.training, device.type == "cpu"
    arguments = TrainingArguments(
        **recipe(training),
        output_dir=str(workspace),
        per_device_train_batch_size=training.batch_size,
        per_device_eval_batch_size=training.evaluation_batch_size,
        gradient_accumulation_steps=training.accumulation,
        use_cpu=cpu,
        bf16=uses_bf16(options, device),
        ddp_timeout=TIMEOUT,
        deepspeed=zero3(cpu, uses_bf16(options, device)) if training.zero3 else None,
        ddp_find_unused_parameters=False,
        ddp_backend="gloo" if cpu and _distributed() else None,
        activation_checkpointing=training.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        # Fractions of all steps. 1.0 would mean every step, so the end counts as one more.
        eval_strategy="steps" if training.evaluations else "no",
        eval_steps=1 / (training.evaluations + 1),
        save_strategy="steps",
        save_steps=1 / (training.checkpoints + 1),
        save_total_limit=2,
        logging_steps=LOGGED,
        report_to=["tensorboard"],
        disable_tqdm=not sys.stderr.isatty(),
        prediction_loss_only=True,
        remove_unused_columns=False,
        dataloader_pin_memory=not cpu,
    )
    if training.zero3:
        # The Trainer does this too, but on CPUs too late for sharding an unquantised base.
        import_module("deepspeed").init_distributed()
    return arguments


def _distributed() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def zero3(cpu: bool, bf16: bool) -> dict[str, Any]:
    """DeepSpeed's settings; ``auto`` means the value of the Trainer's arguments."""
    return {
        "bf16": {"enabled": bf16},
        "zero_optimization": {
            "stage": 3,
            "overlap_comm": not cpu,
            "contiguous_gradients": True,
            "stage3_gather_16bit_weights_on_model_save": True,
        },
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "zero_allow_untested_optimizer": True,
    }
