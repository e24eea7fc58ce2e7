"""How a training runs: the recipe on this machine's devices, watched and saved as asked."""

import os
import sys
from importlib import import_module
from pathlib import Path

import torch
from transformers import TrainingArguments

from spectralm.llm.options import LlmOptions
from spectralm.llm.recipe import recipe

#: Others wait so long (seconds) while the first process checks the saved adapter.
TIMEOUT = 7200
#: Steps between two losses in the log.
LOGGED = 10


def training_arguments(
    options: LlmOptions, workspace: Path, device: torch.device
) -> TrainingArguments:
    """Settings of a training in ``workspace``; making them joins the processes of a training.

    With ZeRO-3 they have to exist before the base is loaded, which is then sharded as it comes.
    """
    training, cpu = options.training, device.type == "cpu"
    arguments = TrainingArguments(
        **recipe(training),
        output_dir=str(workspace),
        per_device_train_batch_size=training.batch_size,
        per_device_eval_batch_size=training.evaluation_batch_size,
        gradient_accumulation_steps=training.accumulation,
        use_cpu=cpu,
        ddp_timeout=TIMEOUT,
        deepspeed=zero3(cpu) if training.zero3 else None,
        ddp_find_unused_parameters=False,
        ddp_backend="gloo" if cpu and _distributed() else None,
        activation_checkpointing=training.gradient_checkpointing,
        activation_checkpointing_kwargs={"use_reentrant": False},
        # Shares of all steps; as 1.0 would mean every step, the end counts as one more.
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
        # The Trainer does it, but on CPUs only after an unquantised base is sharded.
        import_module("deepspeed").init_distributed()
    return arguments


def _distributed() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def zero3(cpu: bool) -> dict[str, object]:
    """DeepSpeed's settings; what is ``auto`` is as in the Trainer's."""
    return {
        "bf16": {"enabled": True},
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
