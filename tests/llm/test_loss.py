from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM

from spectralm.labels.vocabulary import Targets
from spectralm.language.options import TextOptions
from spectralm.llm.encoding import IGNORED, Collator, Questions
from spectralm.llm.loss import AnswerLoss, answer_loss, number_ids
from spectralm.llm.tiny import tiny_tokenizer


def test_answer_only_loss_and_gradient_are_those_of_all_logits(toy, tmp_path):
    model = AutoModelForCausalLM.from_pretrained(toy.base, dtype=torch.float32)
    questions = Questions.open([toy.validation], tmp_path, tiny_tokenizer(), 4096)
    batch = Collator(tiny_tokenizer().pad_token_id, 4096)(
        [questions[number] for number in range(4)]
    )
    labels = batch.pop("labels")
    loss = AnswerLoss([], None)(model(**batch), labels)
    gradient = torch.autograd.grad(loss, model.model.layers[0].mlp.up_proj.weight)[0]

    batch.pop("logits_to_keep")
    logits = model(**batch).logits[:, -labels.shape[1] : -1]
    everywhere = cross_entropy(logits.flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORED)
    expected = torch.autograd.grad(everywhere, model.model.layers[0].mlp.up_proj.weight)[0]
    torch.testing.assert_close(loss, everywhere)
    torch.testing.assert_close(gradient, expected)


def test_soft_targets_share_probability_among_neighbours():
    tokenizer = tiny_tokenizer()
    text = TextOptions(answer="grouped")
    assert answer_loss({"x_fe": 0.05}, text, Targets.ABUNDANCES, tokenizer).widths.tolist() == [10]
    loss = answer_loss({"logg": 0.05}, text, Targets.PARAMETERS, tokenizer)
    assert loss.widths.tolist() == pytest.approx([0, 5, 0])
    ids = tokenizer("M,150,563,497", add_special_tokens=False)["input_ids"]
    labels = torch.tensor([[IGNORED, IGNORED, *ids], [IGNORED, *ids, tokenizer.eos_token_id]])
    logits = torch.randn(2, labels.shape[1], len(tokenizer), requires_grad=True)
    value = loss(SimpleNamespace(logits=logits), labels)

    log_probs = logits[:, :-1].log_softmax(-1)
    total = torch.tensor(0.0)
    weights = torch.exp(-0.5 * ((torch.arange(1000) - 563) / 5.0) ** 2)
    weights /= weights.sum()
    for row, place in ((labels[:, 1:] != IGNORED).nonzero()).tolist():
        token = labels[row, place + 1]
        if token == ids[4]:
            total -= (weights * log_probs[row, place, number_ids(tokenizer)]).sum()
        else:
            total -= log_probs[row, place, token]
    torch.testing.assert_close(value, total / 15)
    value.backward()
    assert logits.grad.isfinite().all()


def test_hard_targets_are_plain_cross_entropy_over_the_items_of_an_optimizer_step():
    labels = torch.tensor([[IGNORED, 3, 4]])
    logits = torch.randn(1, 3, 10)
    loss = AnswerLoss([], None)
    expected = cross_entropy(logits[0, :-1], labels[0, 1:], reduction="sum")
    torch.testing.assert_close(loss(SimpleNamespace(logits=logits), labels, 8), expected / 8)
