"""The name of a training, and its checkpoints."""

import json
import logging
import shutil
import zipfile
from pathlib import Path

from spectralm.errors import InputError
from spectralm.files import sha256, write_json
from spectralm.llm.adapter_files import WEIGHTS
from spectralm.llm.code import weights_code
from spectralm.llm.learner import Task
from spectralm.llm.tokenizer import load_tokenizer, tokenizer_hash


def weight_facts(task: Task) -> dict[str, object]:
    """Everything that decides a training's weights; its hash is the workspace's name."""
    return {
        "targets": task.targets,
        "weight_options": task.options.weight_options(),
        "text": task.text.model_dump(),
        "spectra": task.spectra.model_dump(),
        "train_sha256": sha256(*task.train),
        "shards_sha256": sha256(*task.shards) if task.options.read_in else None,
        "base": task.base,
        "after_sha256": task.after and sha256(task.after / WEIGHTS),
        "tokenizer_sha256": tokenizer_hash(load_tokenizer(task.base)),
        "code": weights_code(task.options),
    }


def keep_layout(workspace: Path, processes: int, zero3: bool) -> None:
    """Record how a training is shared among processes; its checkpoints need the same layout.

    Raises:
        InputError: there are checkpoints of another layout.
    """
    layout, file = {"processes": processes, "zero3": zero3}, workspace / "layout.json"
    kept = json.loads(file.read_text()) if file.is_file() else layout
    if kept != layout and any(workspace.glob("checkpoint-*")):
        raise InputError(
            workspace,
            "checkpoints",
            f"of a training with {kept}, not {layout}",
            "set `processes`, `nodes` and `zero3` as before, or delete the folder to start again",
        )
    write_json(file, layout)


def last_whole_checkpoint(workspace: Path, processes: int) -> Path | None:
    """The newest complete checkpoint of the Trainer; incomplete ones are deleted.

    The Trainer's first process writes ``trainer_state.json`` last, and each process writes its
    random state: if all of these can be read, the checkpoint is complete.
    """
    found = sorted(workspace.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    for checkpoint in reversed(found):
        if _is_whole(checkpoint, processes):
            if _is_last_of_a_part(checkpoint):
                continue
            return checkpoint
        logging.warning("%s is incomplete and deleted", checkpoint)
        shutil.rmtree(checkpoint)
    return None


def _is_last_of_a_part(checkpoint: Path) -> bool:
    """Whether it is after the last step, within an epoch (docs/training_facts.md)."""
    state = json.loads((checkpoint / "trainer_state.json").read_text())
    ended = state.get("global_step", 0) == state.get("max_steps")
    return ended and state["epoch"] % 1 > 0


def _is_whole(checkpoint: Path, processes: int) -> bool:
    names = [f"rng_state_{rank}.pth" for rank in range(processes)]
    if processes == 1:
        names = ["rng_state.pth"]
    try:
        json.loads((checkpoint / "trainer_state.json").read_text())
    except (OSError, ValueError):
        return False
    # torch writes zip files, which have their directory at the end.
    return all(zipfile.is_zipfile(checkpoint / name) for name in names)
