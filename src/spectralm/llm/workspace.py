"""Where an unfinished training keeps what it needs to go on."""

import json
import logging
import shutil
from pathlib import Path


def last_whole_checkpoint(workspace: Path) -> Path | None:
    """The newest checkpoint of the Trainer that was written to its end; others are removed.

    The Trainer writes ``trainer_state.json`` last, so a readable one marks a whole checkpoint.
    """
    found = sorted(workspace.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    for checkpoint in reversed(found):
        try:
            json.loads((checkpoint / "trainer_state.json").read_text())
        except (OSError, ValueError):
            logging.warning("%s was not written to its end; it is removed", checkpoint)
            shutil.rmtree(checkpoint)
            continue
        return checkpoint
    return None
