"""Settings of the libraries of models: offline, and without irrelevant messages."""

import logging
import os
import warnings
from functools import partial

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",  # also those of transformers
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
}
#: For each logger, the beginning of a message that is irrelevant to users without a GPU.
HARMLESS = {
    "bitsandbytes.backends.cpu.ops": "Failed to load CPU gemm_4bit_forward",
    "DeepSpeed": "Setting accelerator to CPU",
}


def set_up_libraries() -> None:
    """Set environment variables, unless the user has set them, and filter messages.

    Call this before the libraries are imported.
    """
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for name, beginning in HARMLESS.items():
        logging.getLogger(name).addFilter(partial(_is_relevant, beginning))
    # Libraries' announcements of their own changes, and a setting that PEFT corrects itself.
    warnings.filterwarnings("ignore", category=FutureWarning)
    warnings.filterwarnings("ignore", message="fan_in_fan_out is set to False")


def _is_relevant(beginning: str, record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(beginning)
