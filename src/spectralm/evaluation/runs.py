"""A run's name, ``model-dataset-scale``, and what a reader must know of its model."""

from pathlib import Path

_NOTES = {"class_mean": "is told the survey's class of each star (an oracle on class)"}


def run_of(residuals: Path) -> str:
    """The run of ``.../{run}/{dataset}.parquet``."""
    return residuals.absolute().parent.name


def note(run: str) -> str:
    """A sentence that must stand wherever the run is shown; empty for most."""
    model = run.split("-", maxsplit=1)[0]
    return f"{model} {_NOTES[model]}." if model in _NOTES else ""
