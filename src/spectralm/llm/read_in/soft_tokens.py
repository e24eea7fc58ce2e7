"""Soft tokens in the place of placeholders, in any causal language model with an adapter.

A placeholder is the token id :data:`PLACEHOLDER`, which no vocabulary has. A hook of the embedding
puts the read-in's tokens there, so that the rest of the model, training and generation need not
know of them.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from torch.nn import Module

#: Token id of a placeholder in a prompt.
PLACEHOLDER = -200
#: Name of the read-in in the base, and in `modules_to_save` of the adapter.
NAME = "read_in"


class SoftTokens:
    """Gives the spectra of a batch to a model's read-in, and its tokens to the model.

    In training they are the argument ``spectra`` [batch, 2, pixels] of the model; for
    ``generate``, see :meth:`give`.

    Args:
        model: base with a read-in and adapter.
    """

    def __init__(self, model: PeftModel):
        self.read_in = getattr(model.get_base_model(), NAME)
        self.spectra: Tensor | None = None
        self.places: Tensor | None = None
        model.register_forward_pre_hook(self._take, with_kwargs=True)
        embedding = model.get_input_embeddings()
        embedding.register_forward_pre_hook(self._hide)
        embedding.register_forward_hook(self._insert)

    def give(self, spectra: Tensor) -> int:
        """Give the model the spectra of its next prompts; the number of soft tokens of each."""
        self.spectra = spectra
        return self.read_in.soft_tokens

    def _take(
        self, _model: Module, arguments: tuple, settings: dict[str, Any]
    ) -> tuple[tuple, dict[str, Any]]:
        if "spectra" in settings:
            self.spectra = settings.pop("spectra")
        return arguments, settings

    def _hide(self, _embedding: Module, arguments: tuple[Tensor]) -> tuple[Tensor]:
        (ids,) = arguments
        self.places = ids == PLACEHOLDER
        return (ids.masked_fill(self.places, 0),)

    def _insert(self, _embedding: Module, _arguments: tuple[Tensor], output: Tensor) -> Tensor:
        assert self.places is not None
        if self.spectra is None:
            _check(self.places, 0)
            return output
        with _as_held(output.device.type):
            tokens = self.read_in(self.spectra).to(output.dtype)
        self.spectra = None
        _check(self.places, tokens.shape[:2].numel())
        return output.masked_scatter(self.places[..., None], tokens)


def _check(places: Tensor, soft_tokens: int) -> None:
    """Raise ValueError if there are more or fewer placeholders than soft tokens."""
    if not places.is_meta and (count := int(places.sum())) != soft_tokens:
        found = f"{count} placeholders for {soft_tokens} soft tokens"
        raise ValueError(f"{found}; give the model one spectrum for each prompt (SoftTokens.give)")


def _as_held(device: str) -> AbstractContextManager:
    """No autocast: the read-in computes in the precision of its weights.

    In bf16, flux of S/N above 250 would be rounded.
    """
    if torch.amp.is_autocast_available(device):
        return torch.autocast(device, enabled=False)
    return nullcontext()


def with_soft_tokens(model: PeftModel) -> PeftModel:
    """The model; if its base has a read-in, with the attribute ``soft_tokens``."""
    if hasattr(model.get_base_model(), NAME):
        model.soft_tokens = SoftTokens(model)  # type: ignore[assignment]  # no Module
    return model


def soft_tokens_of(model: PeftModel) -> SoftTokens | None:
    """The soft tokens of a model of :func:`with_soft_tokens`; None if it has no read-in."""
    return getattr(model, "soft_tokens", None)
