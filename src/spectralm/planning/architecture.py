"""The dimensions of a Llama-like base model."""

import csv
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from spectralm.errors import InputError

TABLE = Path(__file__).with_name("bases.csv")


@dataclass(frozen=True)
class Architecture:
    """A decoder with gated feed-forward blocks and grouped-query attention."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    mlp: int
    vocabulary: int
    tied: bool
    """Whether the output head is the embedding table."""

    @property
    def config(self) -> dict[str, int | bool]:
        """The dimensions with their names in the config.json of a Llama."""
        return {
            "num_hidden_layers": self.layers,
            "hidden_size": self.hidden,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "intermediate_size": self.mlp,
            "vocab_size": self.vocabulary,
            "tie_word_embeddings": self.tied,
        }

    @property
    def query_width(self) -> int:
        """Total width of the queries."""
        return self.heads * self.head_dim

    @property
    def kv_width(self) -> int:
        """Total width of the keys, equal to that of the values."""
        return self.kv_heads * self.head_dim

    @cached_property
    def linears(self) -> tuple[tuple[int, int], ...]:
        """Input and output widths of the linear maps of a layer: q, k, v, o, gate, up, down."""
        return (
            (self.hidden, self.query_width),
            (self.hidden, self.kv_width),
            (self.hidden, self.kv_width),
            (self.query_width, self.hidden),
            (self.hidden, self.mlp),
            (self.hidden, self.mlp),
            (self.mlp, self.hidden),
        )

    @property
    def linear_parameters(self) -> int:
        """Number of weights of the linear maps of all layers, without embeddings and head."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linears)

    @property
    def other_parameters(self) -> int:
        """Number of weights of embeddings, head and norms."""
        tables = 1 if self.tied else 2
        return tables * self.vocabulary * self.hidden + (2 * self.layers + 1) * self.hidden

    def lora_parameters(self, rank: int) -> int:
        """Number of weights of an adapter on all linear maps."""
        return self.layers * rank * sum(inputs + outputs for inputs, outputs in self.linears)


def architecture(base: str) -> Architecture:
    """The dimensions of a base model, from config.json in its folder or from the table of hub ids.

    Raises:
        InputError: The base is neither a folder nor in the table; or config.json is not complete.
    """
    if Path(base).is_dir():
        return _from_folder(Path(base) / "config.json")
    with open(TABLE, newline="") as rows:
        table = {row.pop("name"): row for row in csv.DictReader(rows)}
    if base not in table:
        raise InputError(base, "base model", "neither a folder nor known", f"known: {[*table]}")
    sizes = table[base]
    tied = sizes.pop("tied") == "true"
    return Architecture(**{name: int(size) for name, size in sizes.items()}, tied=tied)


def _from_folder(path: Path) -> Architecture:
    try:
        sizes = json.loads(path.read_text())
        heads = sizes["num_attention_heads"]
        return Architecture(
            layers=sizes["num_hidden_layers"],
            hidden=sizes["hidden_size"],
            heads=heads,
            kv_heads=sizes.get("num_key_value_heads") or heads,
            head_dim=sizes.get("head_dim") or sizes["hidden_size"] // heads,
            mlp=sizes["intermediate_size"],
            vocabulary=sizes["vocab_size"],
            tied=sizes.get("tie_word_embeddings", False),
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            path, "sizes of the base", f"{error!r}", "give the folder of a Llama-like model"
        ) from error
