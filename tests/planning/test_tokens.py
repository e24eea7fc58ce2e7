"""Lengths of the plan, compared with the tokenizer of Llama-3."""

import re

import numpy as np
import pytest
from llm.llama3 import llama3_tokenizer

from spectralm.labels.vocabulary import Targets
from spectralm.language.answers import answer_text
from spectralm.language.flux import flux_text
from spectralm.language.options import TextOptions
from spectralm.language.questions import write_question
from spectralm.llm.options import LlmOptions
from spectralm.llm.tiny import tiny_tokenizer
from spectralm.planning.tokens import STAR, length
from spectralm.spectra.options import SpectraOptions

#: The chat template of Llama-3.1-Instruct, around a question.
TEMPLATE = (
    "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: "
    "December 2023\nToday Date: 26 Jul 2024\n\n<|eot_id|><|start_header_id|>user<|end_header_id|>"
    "\n\n{question}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
)
TEXTS = [
    TextOptions(),
    TextOptions(flux="compact", answer="grouped"),
    TextOptions(flux="compact", answer="characters", marker_every=100),
    TextOptions(flux="paper", answer="grouped", marker_every=100),
]


def llama3_tokens(text: str) -> int:
    """Number of tokens of a text; special tokens count as one."""
    tokenizer = llama3_tokenizer()
    parts = re.split(r"(<\|[a-z_]+\|>)", text)
    return sum(
        1 if part.startswith("<|") else len(tokenizer(part, add_special_tokens=False)["input_ids"])
        for part in parts
        if part
    )


@pytest.mark.parametrize("text", TEXTS, ids=str)
@pytest.mark.parametrize(
    "targets", [Targets.PARAMETERS, Targets.ABUNDANCES], ids=lambda targets: targets.kind
)
def test_tokens_of_llama_3(text, targets):
    grid, labels = SpectraOptions().grid, targets.labels
    found = length(LlmOptions(), text, grid, targets)
    flux = np.random.default_rng(1).integers(0, 1000, len(grid)).astype(np.int16)
    question = TEMPLATE.format(question=write_question(flux, flux_text(text, grid), labels))
    answer = llama3_tokens(answer_text(text, labels).write(STAR)) + 1
    stage_1 = targets == Targets.PARAMETERS
    assert found.total == pytest.approx(
        llama3_tokens(question) + answer, rel=0.01 if stage_1 else 0.03
    )
    if stage_1:
        assert found.answer == pytest.approx(answer, rel=0.1)


def test_a_question_is_truncated_to_max_tokens():
    grid = SpectraOptions().grid
    whole = length(LlmOptions(), TextOptions(), grid, Targets.PARAMETERS)
    cut = length(LlmOptions(max_tokens=10000), TextOptions(), grid, Targets.PARAMETERS)
    assert whole.total > 24503
    assert cut.total == 10000
    assert cut.answer == whole.answer


def test_the_tokenizer_of_a_folder_is_used(tmp_path):
    tiny_tokenizer().save_pretrained(tmp_path)
    grid = SpectraOptions().grid
    bases = LlmOptions(base=str(tmp_path)), LlmOptions()
    own, known = (length(base, TextOptions(), grid, Targets.PARAMETERS) for base in bases)
    # The sentences of the question are one token each.
    assert 50 < known.question - own.question < 100
