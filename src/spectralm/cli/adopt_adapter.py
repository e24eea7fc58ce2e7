"""Use an adapter that was trained elsewhere."""

from pathlib import Path

from spectralm.labels.vocabulary import Targets
from spectralm.language.options import TextOptions
from spectralm.llm.adoption import adopt
from spectralm.llm.options import LlmOptions
from spectralm.spectra.options import SpectraOptions


def run(
    *,
    adapter: Path,
    base: str,
    targets: Targets,
    options: LlmOptions,
    text: TextOptions,
    grid: SpectraOptions,
    out: Path,
) -> None:
    """Check an adapter that was trained elsewhere, and make it a run of the experiment."""
    adopt(adapter, out, base=base, options=options, text=text, spectra=grid, targets=targets)
