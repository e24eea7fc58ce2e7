"""Answer the questions of one shard."""

import logging
from pathlib import Path

from spectralm.files import write_parquet
from spectralm.language.options import TextOptions
from spectralm.language.questions import read_records
from spectralm.llm.answering import Calibration, answer_all, open_reader
from spectralm.llm.options import LlmOptions


def run(
    *, model: Path, base: str, options: LlmOptions, text: TextOptions, questions: Path, out: Path
) -> None:
    """Answer the questions of one shard with a trained adapter, held to the answer grammar; with
    errors if the adapter's folder has its calibration."""
    asked = list(read_records(questions))
    calibration = Calibration.load(model)
    reader = open_reader(model, base, options, text, sigmas=calibration is not None)
    obsids, words = ([row[name] for row in asked] for name in ("obsid", "question"))
    table = answer_all(reader, obsids, words, calibration)
    write_parquet(out, table)
    parsed = table["status"].to_pylist().count("parsed")
    logging.info("%d answers, %d parsed", len(table), parsed)
