"""The last layer at the answer's positions alone changes neither loss nor gradients."""

import pytest
import torch
from llm.toy import base_on_cpu

from spectralm.llm.adapter import add_adapter
from spectralm.llm.answer_only import AnswerOnlyLayer
from spectralm.llm.encoding import Collator
from spectralm.llm.loss import AnswerLoss
from spectralm.llm.options import LoraOptions, TinyOptions
from spectralm.llm.tiny import make_tiny_base, tiny_tokenizer

LORA = LoraOptions(rank=4, dropout=0.0, train_embeddings=True)


@pytest.mark.parametrize("positions", ["rotary", "learned"])
@pytest.mark.parametrize("prompts", ["123456789", ("123456", "789123456789")])
def test_same_loss_and_gradients(tmp_path, positions, prompts):
    tokenizer = tiny_tokenizer()
    options = TinyOptions(hidden=64, layers=2, heads=4, mlp=64, context=64, positions=positions)
    make_tiny_base(tmp_path / "base", options)
    rows = [
        {
            "prompt": tokenizer(text, add_special_tokens=False)["input_ids"],
            "answer": tokenizer("M,150,563,497", add_special_tokens=False)["input_ids"],
            "spectrum": None,
        }
        for text in prompts
    ]
    batch = Collator(tokenizer.pad_token_id, answers_start=40)(rows)
    labels = batch.pop("labels")
    results = []
    for answer_only in (False, True):
        model = add_adapter(base_on_cpu(tmp_path / "base").float(), LORA, seed=0)
        lengths = []
        if answer_only:
            AnswerOnlyLayer(model)
            mlp = next(m for name, m in model.named_modules() if name.endswith(".1.mlp"))
            mlp.register_forward_pre_hook(lambda _, given: lengths.append(given[0].shape[1]))  # noqa: B023
        model.train()
        loss = AnswerLoss([], None)(model(**batch, use_cache=False), labels)
        loss.backward()
        results.append(
            (loss, {name: p.grad for name, p in model.named_parameters() if p.requires_grad})
        )
        model.eval()
        results[-1] += (model(**batch).logits,)
    (loss, gradients, logits), (narrow_loss, narrow_gradients, narrow_logits) = results
    assert lengths[0] == labels.shape[1]
    torch.testing.assert_close(narrow_loss, loss)
    torch.testing.assert_close(narrow_gradients, gradients, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(narrow_logits, logits)
