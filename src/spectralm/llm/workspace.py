"""Where an unfinished training keeps what it needs to go on."""

import json
import logging
import shutil
import zipfile
from pathlib import Path


def last_whole_checkpoint(workspace: Path, processes: int) -> Path | None:
    """The newest checkpoint of the Trainer that was written to its end; others are removed.

    The Trainer's first process writes ``trainer_state.json`` last, and the others each the state
    of their random numbers: where all are readable, the checkpoint is whole.
    """
    found = sorted(workspace.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    for checkpoint in reversed(found):
        if _is_whole(checkpoint, processes):
            return checkpoint
        logging.warning("%s was not written to its end; it is removed", checkpoint)
        shutil.rmtree(checkpoint)
    return None


def _is_whole(checkpoint: Path, processes: int) -> bool:
    names = [f"rng_state_{rank}.pth" for rank in range(processes)]
    if processes == 1:
        names = ["rng_state.pth"]
    try:
        json.loads((checkpoint / "trainer_state.json").read_text())
    except (OSError, ValueError):
        return False
    # Of a zip file, which torch writes, the end is what tells that it is one.
    return all(zipfile.is_zipfile(checkpoint / name) for name in names)
