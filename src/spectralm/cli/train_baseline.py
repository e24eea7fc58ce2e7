"""Train a baseline."""

import json
from pathlib import Path

from spectralm.baselines.model import Task, train_model
from spectralm.baselines.registry import BASELINES, model_class
from spectralm.files import parquet_metadata, sha256
from spectralm.fingerprint import fingerprint
from spectralm.labels.vocabulary import Targets
from spectralm.provenance import Clock, workspace_key
from spectralm.workspace import FINISHED, Lock, is_finished, publish


def run(
    *,
    samples: list[Path],
    spectra: list[Path],
    targets: Targets,
    options: str,
    workspaces: Path,
    out: Path,
) -> None:
    """Train a baseline on the training split of all shards, and write its folder.

    A training that was interrupted is resumed from its workspace.
    """
    checked = BASELINES.read_options(options)
    facts = {
        "targets": targets,
        "options": checked.model_dump(mode="json"),
        "spectra": json.loads(parquet_metadata(spectra[0]).get("options", "null")),
        "sha256": {"samples": sha256(*samples), "spectra": sha256(*spectra)},
        "code": fingerprint("train_baseline", BASELINES.module_of(checked.kind)),
    }
    workspace = workspaces / workspace_key(facts)
    with Lock(workspace):
        if not is_finished(workspace):
            task = Task(
                spectra, samples, targets, checked, workspace, Clock(workspace / "clock.json")
            )
            train_model(model_class(checked.kind), task, facts, workspace / FINISHED)
        publish(workspace, out)
