"""Adding a LoRA adapter to a base model, and loading a trained one."""

from collections.abc import Collection
from pathlib import Path

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import PreTrainedModel

from spectralm.errors import InputError
from spectralm.llm.adapter_files import WEIGHTS
from spectralm.llm.options import LoraOptions
from spectralm.llm.read_in.attach import attach_read_in, pixels_of
from spectralm.llm.read_in.options import ReadInOptions
from spectralm.llm.read_in.soft_tokens import NAME, with_soft_tokens
from spectralm.spectra.store import Store


def add_adapter(
    model: PreTrainedModel,
    options: LoraOptions,
    seed: int,
    read_in: ReadInOptions | None = None,
    spectra: Store | None = None,
) -> PeftModel:
    """A new LoRA adapter, in float32, on all linear layers of the base.

    Args:
        model: the base.
        options: of the adapter.
        seed: of the first weights.
        read_in: options of a read-in that is trained with it.
        spectra: of the training, by which the read-in standardises pixels.
    """
    torch.manual_seed(seed)
    saved = list(_embeddings(model)) if options.train_embeddings else []
    _make_float(model, saved)
    if read_in is not None:
        assert spectra is not None
        attach_read_in(model, read_in, spectra.size).standardise(*spectra.moments())
        saved.append(NAME)
    config = LoraConfig(
        task_type="CAUSAL_LM",
        r=options.rank,
        lora_alpha=options.alpha,
        lora_dropout=options.dropout,
        target_modules="all-linear",
        modules_to_save=sorted(saved) or None,
    )
    return with_soft_tokens(get_peft_model(model, config))


def resume_adapter(
    model: PreTrainedModel, folder: Path, read_in: ReadInOptions | None = None
) -> PeftModel:
    """The base with a trained adapter, to continue its training (stage 2; paper III.3)."""
    return _with_adapter(model, folder, read_in, is_trainable=True)


def load_adapter(
    model: PreTrainedModel, folder: Path, read_in: ReadInOptions | None = None
) -> PeftModel:
    """The base with a trained adapter, for inference."""
    return _with_adapter(model, folder, read_in, is_trainable=False).eval()


def _with_adapter(
    model: PreTrainedModel, folder: Path, read_in: ReadInOptions | None, is_trainable: bool
) -> PeftModel:
    if not (folder / WEIGHTS).is_file():
        raise InputError(folder, WEIGHTS, "not there", "train the run first")
    _make_float(model, LoraConfig.from_pretrained(str(folder)).modules_to_save or [])
    if read_in is not None:
        attach_read_in(model, read_in, pixels_of(folder))
    return with_soft_tokens(PeftModel.from_pretrained(model, folder, is_trainable=is_trainable))


def _embeddings(model: PreTrainedModel) -> dict[str, torch.nn.Embedding]:
    """The embeddings of tokens and, in a GPT-2, of positions, by name."""
    return {
        name.split(".")[-1]: part
        for name, part in model.named_modules()
        if isinstance(part, torch.nn.Embedding)
    }


def _make_float(model: PreTrainedModel, saved: Collection[str]) -> None:
    """Convert embeddings that are trained whole to float32, and the norms with them.

    Why: docs/training_facts.md, "Precision".
    """
    tables = {name: part for name, part in _embeddings(model).items() if name in saved}
    if tables:
        norms = [part for part in model.modules() if _is_norm(part)]
        for part in (*norms, *tables.values()):
            part.float()


def _is_norm(part: torch.nn.Module) -> bool:
    own = list(part.parameters(recurse=False))
    return bool(own) and all(parameter.dim() == 1 for parameter in own)
