"""Answer the questions of one shard."""

import logging
import shutil
from pathlib import Path

from spectralm.files import sha256, write_parquet
from spectralm.fingerprint import fingerprint
from spectralm.language.options import TextOptions
from spectralm.language.questions import Question
from spectralm.language.records import read_records
from spectralm.llm.adapter_files import WEIGHTS
from spectralm.llm.answering import FILE, Calibration, answer_all, open_reader
from spectralm.llm.options import LlmOptions
from spectralm.provenance import workspace_key
from spectralm.spectra.store import Store


def run(
    *,
    model: Path,
    base: str,
    options: LlmOptions,
    text: TextOptions,
    questions: Path,
    spectra: Path | None = None,
    workspaces: Path,
    out: Path,
) -> None:
    """Answer the questions of one shard with a trained adapter, restricted to the answer grammar.

    Soft tokens also need the shard's spectra. Predictions have errors if the adapter's folder has a
    calibration. A prediction that was stopped continues with the questions that have no answer.
    """
    asked = [Question.of(record) for record in read_records(questions)]
    calibration = Calibration.load(model)
    facts = {
        "adapter_sha256": sha256(model / WEIGHTS),
        "calibration_sha256": calibration and sha256(model / FILE),
        "base": base,
        "options": options.model_dump(),
        "text": text.model_dump(),
        "questions_sha256": sha256(questions),
        "spectra_sha256": spectra and sha256(spectra),
        "code": fingerprint("predict_llm"),
    }
    parts = workspaces / f"predictions-{workspace_key(facts)}"
    store = None
    if spectra is not None:
        store = Store.read([spectra], (question.obsid for question in asked), text.bin)
    sigmas = calibration is not None
    reader = open_reader(model, base, options, text, sigmas, store)
    table = answer_all(reader, asked, calibration, parts)
    write_parquet(out, table)
    shutil.rmtree(parts, ignore_errors=True)
    parsed = table["status"].to_pylist().count("parsed")
    logging.info("%d answers, %d parsed", len(table), parsed)
