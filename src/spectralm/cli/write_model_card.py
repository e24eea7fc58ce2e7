"""The card of an adapter, in the form of Hugging Face."""

import json
from pathlib import Path

from spectralm.evaluation.runs import run_of
from spectralm.files import read_parquet, write_text
from spectralm.report.cards import model_card
from spectralm.spectra.options import SpectraOptions


def run(
    *,
    adapter: Path,
    manifest: Path,
    residuals: Path,
    grid: SpectraOptions,
    note: str,
    out: Path,
) -> None:
    """Write the README.md of a run's folder, which can then be pushed to a hub as it is."""
    adapter_config, facts = (json.loads(path.read_text()) for path in (adapter, manifest))
    table = read_parquet(residuals)
    write_text(out, model_card(run_of(manifest), adapter_config, facts, table, grid, note))
