"""A trained run, ready to answer: a folder of results/models and, for a language model, its base.

Nothing else is needed: the manifest holds the options with which spectra and text were made.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from spectralm.errors import InputError
from spectralm.inference.training_domain import FILE, TrainingDomain
from spectralm.labels.vocabulary import Label, Targets
from spectralm.spectra.options import SpectraOptions
from spectralm.workspace import MANIFEST

LLM = "llm"


class Device(StrEnum):
    """Where a language model works."""

    AUTO = "auto"
    CPU = "cpu"


@dataclass(frozen=True)
class Run:
    """A model's folder and what its manifest says."""

    folder: Path
    manifest: dict[str, Any]
    spectra: SpectraOptions
    training_domain: TrainingDomain | None
    base: str | None
    """Given in place of the recorded one."""
    device: Device | None
    """Given in place of that of the options."""

    @classmethod
    def open(cls, folder: Path, base: str | None = None, device: Device | None = None) -> Self:
        """The run of a folder.

        Raises:
            InputError: no whole run is there, or one whose manifest says too little.
        """
        path = folder / MANIFEST
        if not path.is_file():
            raise InputError(path, "run", "not there", _runs_beside(folder))
        manifest = json.loads(path.read_text())
        try:
            spectra = SpectraOptions.model_validate(manifest["spectra"])
        except (KeyError, ValidationError) as error:
            raise InputError(
                path, "spectra", f"not the options of its spectra ({error})", "train the run again"
            ) from error
        described = folder / FILE
        known = TrainingDomain.load(described) if described.is_file() else None
        return cls(folder, manifest, spectra, known, base, device)

    @property
    def labels(self) -> tuple[Label, ...]:
        """What it is asked for."""
        return Targets(self.manifest["targets"]).labels

    def answers(self, thousandths: np.ndarray) -> pa.Table:
        """PREDICTIONS for flux on the run's grid, int16 [n, grid]; obsid counts from 0.

        Raises:
            InputError: weights or base are not there, or not those of the manifest.
        """
        if self.manifest["kind"] == LLM:
            # Neither kind of model needs the other's libraries.
            from spectralm.inference.llm_run import answers

            return answers(self.folder, self.manifest, self.base, self.device, thousandths)
        from spectralm.baselines.registry import load_model

        return load_model(self.folder).answers(
            pa.chunked_array([range(len(thousandths))]), thousandths
        )


def _runs_beside(folder: Path) -> str:
    runs: Sequence[str] = sorted(path.parent.name for path in folder.parent.glob(f"*/{MANIFEST}"))
    return f"give one of the runs there: {', '.join(runs)}" if runs else "train one first"
