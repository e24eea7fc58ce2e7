"""The files of an adapter as PEFT writes them."""

from pathlib import Path

from safetensors.torch import load_file

from spectralm.errors import SpectraLMError

WEIGHTS = "adapter_model.safetensors"
CONFIG = "adapter_config.json"


def check_weights(folder: Path, trained: bool) -> None:
    """Check that no tensor of an adapter is empty, and no B of a trained one is all zero.

    Raises:
        SpectraLMError: one is.
    """
    for name, tensor in load_file(folder / WEIGHTS).items():
        if tensor.numel() == 0 or (trained and "lora_B" in name and not tensor.any()):
            raise SpectraLMError(f"{folder}: {name} is empty or untrained; the adapter is useless")
