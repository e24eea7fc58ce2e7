"""Answer the questions of one shard."""

import logging
from pathlib import Path

import pyarrow as pa

from spectralm.files import write_parquet
from spectralm.labels.columns import PREDICTIONS, schema
from spectralm.language.options import TextOptions
from spectralm.language.questions import read_records
from spectralm.llm.base import load_adapter, load_base, load_tokenizer
from spectralm.llm.generation import Reader
from spectralm.llm.options import LlmOptions


def run(
    *, model: Path, base: str, options: LlmOptions, text: TextOptions, questions: Path, out: Path
) -> None:
    """Answer the questions of one shard with a trained adapter, held to the answer grammar."""
    asked = list(read_records(questions))
    reader = Reader(
        load_adapter(load_base(base, options.quantise), model),
        load_tokenizer(base),
        text,
        options.max_tokens,
        options.generation.batch_size,
        options.generation.reading,
    )
    rows = []
    for record, reply in zip(asked, reader.replies([r["question"] for r in asked]), strict=True):
        row = {"obsid": record["obsid"], "status": reply.status, "answer": reply.text}
        if reply.star is not None:
            row |= {"class": reply.star.spectral_class, **reply.star.values}
        rows.append(row)
        if len(rows) % 500 == 0:
            logging.info("%d of %d answered", len(rows), len(asked))
    write_parquet(out, pa.Table.from_pylist(rows, schema=schema(PREDICTIONS)))
    parsed = sum(row["status"] == "parsed" for row in rows)
    logging.info("%d answers, %d parsed", len(rows), parsed)
