"""The recipe of a training (paper III.3): the Trainer's settings that decide the weights."""

from typing import Any

from spectralm.llm.options import TrainingOptions


def recipe(training: TrainingOptions) -> dict[str, Any]:
    """Optimizer and schedule, as arguments of ``TrainingArguments``."""
    return {
        "num_train_epochs": training.epochs,
        "optim": "adamw_torch_fused",
        "learning_rate": training.learning_rate,
        "weight_decay": training.weight_decay,
        "max_grad_norm": 1.0,
        "lr_scheduler_type": "cosine",
        "warmup_steps": training.warmup_fraction,  # below 1: a fraction of all steps
        "seed": training.seed,
        "data_seed": training.seed,
    }
