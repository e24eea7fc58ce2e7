"""The last layer at the answer's positions alone: the same loss and gradients, less computation.

Only the answer has a loss, and no layer follows the last one. So at the question's positions its
keys and values are needed, but not its queries and feed-forward (docs/training_facts.md).
"""

from typing import Any

import torch
from peft import PeftModel
from torch import Tensor
from torch.nn import Module
from torch.nn.functional import pad
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "answer_only"


class AnswerOnlyLayer:
    """Changes the last layer of a model during training with ``logits_to_keep``.

    Args:
        model: a Llama or GPT-2 with its adapter.
    """

    def __init__(self, model: PeftModel):
        self.index = model.config.num_hidden_layers - 1
        self.kept = 0
        AttentionInterface.register(NAME, self._attention)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        model.set_attn_implementation(NAME)
        model.register_forward_pre_hook(self._note, with_kwargs=True)
        mlp = model.get_submodule(
            next(name for name, _ in model.named_modules() if name.endswith(f".{self.index}.mlp"))
        )
        mlp.register_forward_pre_hook(self._cut)
        mlp.register_forward_hook(self._fill)

    def _note(self, _model: Module, _arguments: tuple, settings: dict[str, Any]) -> None:
        self.kept = settings.get("logits_to_keep", 0)

    def _attention(
        self,
        module: Module,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        attention_mask: Tensor | None,
        **settings: Any,
    ) -> tuple[Tensor, None]:
        whole = query.shape[2]
        if not module.training or module.layer_idx != self.index:
            return sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
        if attention_mask is None:
            attention_mask = torch.ones(whole, whole, dtype=torch.bool, device=key.device).tril()
            attention_mask = attention_mask[None, None]
        # float32, as bfloat16 takes more than twice the time on a CPU.
        output, weights = sdpa_attention_forward(
            module,
            query[:, :, -self.kept :].float(),
            key.float(),
            value.float(),
            attention_mask[:, :, -self.kept :],
            **settings,
        )
        output = output.to(query.dtype)
        return pad(output, (0, 0, 0, 0, whole - output.shape[1], 0)), weights

    def _cut(self, mlp: Module, arguments: tuple[Tensor]) -> tuple[Tensor] | None:
        if not mlp.training:
            return None
        self.whole = arguments[0].shape[1]
        return (arguments[0][:, -self.kept :].contiguous(),)

    def _fill(self, mlp: Module, _arguments: tuple[Tensor], output: Tensor) -> Tensor | None:
        return pad(output, (0, 0, self.whole - output.shape[1], 0)) if mlp.training else None
