"""A trained run that predicts: a folder of results/models and, for a language model, its base.

The manifest in the folder holds the options with which spectra and text were made.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from pydantic import ValidationError

from spectralm.errors import InputError
from spectralm.inference.training_domain import FILE, TrainingDomain
from spectralm.labels.vocabulary import Label, Targets
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.pixels import Pixels
from spectralm.workspace import MANIFEST

LLM = "llm"


class Device(StrEnum):
    """Where a language model runs."""

    AUTO = "auto"
    CPU = "cpu"


@dataclass(frozen=True)
class Run:
    """A run, opened from its folder."""

    folder: Path
    manifest: dict[str, Any]
    spectra: SpectraOptions
    training_domain: TrainingDomain | None
    base: str | None
    """Used instead of the base in the manifest."""
    device: Device | None
    """Used instead of the device in the manifest."""

    @classmethod
    def open(cls, folder: Path, base: str | None = None, device: Device | None = None) -> Self:
        """Open a run.

        Args:
            folder: Its folder.
            base: Base model to use instead of the recorded one.
            device: Device to use instead of the recorded one.

        Raises:
            InputError: The folder has no manifest, or its manifest no options of spectra.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise InputError(path, "run", "missing", _runs_beside(folder))
        manifest = json.loads(path.read_text())
        try:
            spectra = SpectraOptions.model_validate(manifest["spectra"])
        except (KeyError, ValidationError) as error:
            raise InputError(
                path, "spectra", f"not valid options of spectra ({error})", "train the run again"
            ) from error
        file = folder / FILE
        domain = TrainingDomain.load(file) if file.is_file() else None
        return cls(folder, manifest, spectra, domain, base, device)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels that the run predicts."""
        return Targets(self.manifest["targets"]).labels

    @cached_property
    def answers(self) -> Callable[[Pixels], pa.Table]:
        """A function from spectra on the run's grid to PREDICTIONS; obsid counts from 0.

        Raises:
            InputError: Weights or base are missing, or do not match the manifest.
        """
        if self.manifest["kind"] == LLM:
            # Imported here, as neither kind of model needs the libraries of the other.
            from spectralm.inference.llm_run import answerer

            return answerer(self.folder, self.manifest, self.base, self.device)
        from spectralm.baselines.registry import load_model

        model, options = load_model(self.folder)
        return lambda pixels: model.answers(
            pa.chunked_array([range(len(pixels))]), pixels.binned(options.bin).flux
        )


def _runs_beside(folder: Path) -> str:
    runs: Sequence[str] = sorted(path.parent.name for path in folder.parent.glob(f"*/{MANIFEST}"))
    return f"give one of the runs there: {', '.join(runs)}" if runs else "train one first"
