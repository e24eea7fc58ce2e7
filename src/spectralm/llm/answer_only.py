"""The last layer at the answer's positions alone: the same loss and gradients for less work.

Only the answer has a loss, and no later layer reads what the last one makes of the question: there
its keys and values are needed, its queries and feed-forward are not.
"""

import torch
from peft import PeftModel
from torch.nn.functional import pad
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "answer_only"


class AnswerOnlyLayer:
    """Changes the last layer of a model, while that trains with ``logits_to_keep``.

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

    def _note(self, _model, _arguments, settings) -> None:
        self.kept = settings.get("logits_to_keep", 0)

    def _attention(self, module, query, key, value, attention_mask, **settings):
        whole = query.shape[2]
        if not module.training or module.layer_idx != self.index:
            return sdpa_attention_forward(module, query, key, value, attention_mask, **settings)
        if attention_mask is None:
            attention_mask = torch.ones(whole, whole, dtype=torch.bool, device=key.device).tril()
            attention_mask = attention_mask[None, None]
        # On a CPU, bfloat16 takes more than twice the time here.
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

    def _cut(self, mlp, arguments):
        if mlp.training:
            self.whole = arguments[0].shape[1]
            return (arguments[0][:, -self.kept :].contiguous(),)
        return None

    def _fill(self, mlp, _arguments, output):
        if mlp.training:
            return pad(output, (0, 0, self.whole - output.shape[1], 0))
        return None
