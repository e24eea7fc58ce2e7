"""Make the tiny base model."""

from pathlib import Path

from spectralm.llm.options import TinyOptions
from spectralm.llm.tiny import make_tiny_base


def run(*, options: TinyOptions, out: Path) -> None:
    """Make a small random Llama with its tokenizer, the base model of machines without a GPU."""
    make_tiny_base(out, options)
