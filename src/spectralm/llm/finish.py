"""The end of a training: the saved adapter is checked and handed over."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import Trainer
from transformers.integrations.deepspeed import unset_hf_deepspeed_config

from spectralm.errors import SpectraLMError
from spectralm.files import atomic, write_json
from spectralm.llm.base import ADAPTER_WEIGHTS, load_adapter, load_base, name_on_hub
from spectralm.workspace import FINISHED, MANIFEST


def check_adapter(folder: Path, base: str, quantise: bool, trainer: Trainer, loss: float) -> None:
    """Check a saved adapter: nothing empty, B trained, and the same loss when loaded again.

    Raises:
        SpectraLMError: one of these does not hold (ANCHORS: complaint 8).
    """
    for name, tensor in load_file(folder / ADAPTER_WEIGHTS).items():
        if tensor.numel() == 0 or ("lora_B" in name and not tensor.any()):
            raise SpectraLMError(f"{folder}: {name} is empty or untrained; the adapter is useless")
    unset_hf_deepspeed_config()  # or the base would be sharded, with nobody to share it
    reloaded = load_adapter(load_base(base, quantise), folder)
    again = _loss_of(reloaded, trainer)
    if abs(again - loss) > 0.01 * max(1.0, loss):
        raise SpectraLMError(
            f"{folder}: validation loss {loss:.4f} before saving but {again:.4f} after loading"
        )


def _loss_of(model: PeftModel, trainer: Trainer) -> float:
    """Validation loss of a model that is not the Trainer's own."""
    device = trainer.args.device
    model = model.to(device)
    total = items = 0.0
    for batch in torch.utils.data.DataLoader(
        trainer.eval_dataset,
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
    with atomic(finished / ADAPTER_WEIGHTS) as temporary:
        shutil.copyfile(adapter / ADAPTER_WEIGHTS, temporary)
    config = json.loads((adapter / "adapter_config.json").read_text())
    # PEFT writes this set in any order; sorted, equal trainings give equal files.
    config["target_modules"].sort()
    config["base_model_name_or_path"] = name_on_hub(manifest["base"])
    write_json(finished / "adapter_config.json", config)
    write_json(finished / "metrics.json", metrics)
    write_json(finished / MANIFEST, manifest)
