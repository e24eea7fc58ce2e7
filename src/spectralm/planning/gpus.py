"""GPUs by name, from ``gpus.csv``, which has the source of each row."""

import csv
from dataclasses import dataclass
from pathlib import Path

from spectralm.errors import InputError

TABLE = Path(__file__).with_name("gpus.csv")


@dataclass(frozen=True)
class Gpu:
    """One kind of GPU."""

    name: str
    memory: float
    """Bytes, as its driver shows them."""
    flops: float
    """Peak of dense bf16 operations per second."""
    bandwidth: float
    """Bytes per second to and from its memory."""
    link: float
    """Bytes per second from the other GPUs of the same node."""
    source: str


def gpus() -> dict[str, Gpu]:
    """All rows of the table, by name."""
    with open(TABLE, newline="") as rows:
        return {
            row["name"]: Gpu(
                row["name"],
                float(row["memory_gib"]) * 2**30,
                float(row["bf16_tflops"]) * 1e12,
                float(row["bandwidth_gb_s"]) * 1e9,
                float(row["link_gb_s"]) * 1e9,
                row["source"],
            )
            for row in csv.DictReader(rows)
        }


def gpu_named(name: str) -> Gpu:
    """A GPU of the table. Raises InputError for an unknown name."""
    table = gpus()
    if name not in table:
        raise InputError(TABLE, "name", f"no {name!r}", f"give one of {', '.join(table)}")
    return table[name]
