"""A small Llama and its architecture."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from spectralm.planning.architecture import Architecture


def llama_config(base: Architecture, **settings) -> LlamaConfig:
    """The Llama of an architecture."""
    return LlamaConfig(**base.config, max_position_embeddings=32768, **settings)


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory) -> Callable[[Architecture], Path]:
    """A folder with a random Llama of an architecture."""

    def make(base: Architecture) -> Path:
        folder = tmp_path_factory.mktemp("base")
        LlamaForCausalLM(llama_config(base)).to(torch.bfloat16).save_pretrained(folder)
        return folder

    return make
