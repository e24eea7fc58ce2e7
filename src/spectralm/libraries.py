"""How the libraries of models behave in our commands: offline, and without messages to nobody."""

import logging
import os
import warnings
from functools import partial

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",  # transformers', too
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
}
#: By logger: the beginnings of messages that tell a user without a GPU nothing.
HARMLESS = {
    "bitsandbytes.backends.cpu.ops": "Failed to load CPU gemm_4bit_forward",
    "DeepSpeed": "Setting accelerator to CPU",
}


def set_up_libraries() -> None:
    """Set what they read when they are imported; what the user has set stays."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name, beginning in HARMLESS.items():
        logging.getLogger(name).addFilter(partial(_is_worth_reading, beginning))
    # Of what a library is about to rename in itself, and of what PEFT sets right by itself.
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False")


def _is_worth_reading(beginning: str, record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(beginning)
