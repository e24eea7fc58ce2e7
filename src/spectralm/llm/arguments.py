"""How the Trainer is set: the recipe of the options, on this machine's devices."""

import os
import sys
import warnings
from importlib import import_module
from pathlib import Path

import torch
from transformers import TrainingArguments

from spectralm.llm.options import LlmOptions

#: Others wait so long (seconds) while the first process checks the saved adapter.
TIMEOUT = 7200


def training_arguments(options: LlmOptions, workspace: Path) -> TrainingArguments:
    """Settings of a training in ``workspace``; making them joins the processes of a training.

    With ZeRO-3 they have to exist before the base is loaded, which is then sharded as it comes.
    """
    training = options.training
    if training.zero3:
        # Of DeepSpeed's calls, several at each step.
        warnings.filterwarnings("ignore", r".*torch\.distributed\..* is deprecated", FutureWarning)
    arguments = TrainingArguments(
        output_dir=str(workspace),
        num_train_epochs=training.epochs,
        per_device_train_batch_size=training.batch_size,
        per_device_eval_batch_size=options.generation.batch_size,
        gradient_accumulation_steps=training.accumulation,
        optim="adamw_torch",
        learning_rate=training.learning_rate,
        weight_decay=training.weight_decay,
        lr_scheduler_type="cosine",
        warmup_steps=training.warmup_fraction,
        bf16=True,
        use_cpu=not torch.cuda.is_available(),
        ddp_timeout=TIMEOUT,
        deepspeed=zero3() if training.zero3 else None,
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
    if training.zero3:
        # The Trainer does it, but on CPUs only after an unquantised base is sharded.
        import_module("deepspeed").init_distributed()
    return arguments


def _distributed() -> bool:
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def zero3() -> dict[str, object]:
    """DeepSpeed's settings; what is ``auto`` is as in the Trainer's."""
    return {
        "bf16": {"enabled": True},
        "zero_optimization": {
            "stage": 3,
            "overlap_comm": torch.cuda.is_available(),
            "contiguous_gradients": True,
            # Tiny layers are sharded as large ones are, so that the tests see what the paper's do.
            "stage3_param_persistence_threshold": 0,
            "stage3_gather_16bit_weights_on_model_save": True,
        },
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "zero_allow_untested_optimizer": True,
    }
