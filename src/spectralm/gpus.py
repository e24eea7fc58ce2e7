"""Runs a command on free GPUs: ``python -m spectralm.gpus COUNT COMMAND...``.

Two such commands of a user never share a GPU. Each GPU has a lock: an flock on a file in a folder
of the user. The command inherits the locks of its GPUs, so the kernel releases them when it ends,
also if it is killed. CUDA_VISIBLE_DEVICES is set so that the command sees only its own GPUs. If the
variable is already set, only the GPUs in it are used.
"""

import fcntl
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from spectralm.errors import InputError

VISIBLE = "CUDA_VISIBLE_DEVICES"
#: Smallest and largest number of seconds between two attempts to lock GPUs.
PAUSE = (0.25, 0.75)


def main() -> int:
    """Run the command in place of this process; returns an exit status only on an error."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    match sys.argv[1:]:
        case [count, *command] if count.isdecimal() and command:
            pass
        case _:
            print("usage: python -m spectralm.gpus COUNT COMMAND...", file=sys.stderr)
            return 2
    try:
        run(int(count), command)
    except InputError as error:
        print(f"spectralm.gpus: error: {error}", file=sys.stderr)
        return 1


def run(count: int, command: list[str]) -> NoReturn:
    """Replace this process by the command, with ``count`` GPUs.

    If the machine has no GPUs, or ``count`` is 0, the environment is not changed.

    Raises:
        InputError: there are fewer GPUs, or the command cannot be started.
    """
    pool = visible_gpus() if count else []
    if pool:
        taken = take(count, pool)
        os.environ[VISIBLE] = ",".join(taken)
        for lock in taken.values():
            os.set_inheritable(lock, True)
        logging.info("GPUs taken: %s", ", ".join(taken))
    # Python ignores this signal, and a command would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        raise InputError(
            command[0],
            "command",
            f"cannot be started ({error.strerror})",
            "check its name, and that its environment is activated",
        ) from error


def visible_gpus() -> list[str]:
    """The GPUs of this machine, or those in CUDA_VISIBLE_DEVICES if it is set; each once."""
    machine = _machine_gpus()
    entries = [entry.strip() for entry in os.environ.get(VISIBLE, "").split(",")]
    if not machine or VISIBLE not in os.environ:
        return machine
    if entries in ([""], ["-1"]):  # the usual ways to hide all GPUs
        return []
    return list(dict.fromkeys(_find(entry, machine) for entry in entries))


def _machine_gpus() -> list[str]:
    """The UUIDs that nvidia-smi lists; none if it is not installed or fails."""
    try:
        listing = subprocess.run(
            ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"],
            capture_output=True,
            text=True,
        )
    except OSError:
        return []
    if listing.returncode:
        logging.warning("nvidia-smi fails, so no GPU is used: %s", listing.stdout + listing.stderr)
        return []
    return [line.strip() for line in listing.stdout.splitlines() if line.startswith("GPU-")]


def _find(entry: str, machine: list[str]) -> str:
    """The GPU of an entry of CUDA_VISIBLE_DEVICES: an index, a UUID or the beginning of one."""
    if entry.isdecimal() and int(entry) < len(machine):
        return machine[int(entry)]
    if entry.startswith(("GPU-", "MIG-")):
        return next((gpu for gpu in machine if gpu.startswith(entry)), entry)
    raise InputError(
        VISIBLE,
        "GPU",
        f"{entry!r} is none of the {len(machine)} GPUs of this machine",
        f"give numbers from 0 to {len(machine) - 1} or UUIDs (`nvidia-smi -L`)",
    )


def take(count: int, pool: list[str]) -> dict[str, int]:
    """Wait until ``count`` GPUs of the pool are free, and lock them.

    Returns:
        The file descriptor of the lock, by GPU.

    Raises:
        InputError: the pool is smaller.
    """
    if count > len(pool):
        raise InputError(
            "this machine",
            "GPUs",
            f"{count} are needed, and there are {len(pool)} ({', '.join(pool)})",
            f"lower training.processes in the config, or add GPUs to {VISIBLE}",
        )
    folder = _lock_folder()
    if taken := _try_to_take(count, pool, folder):
        return taken
    logging.info("waiting until %d of %d GPUs are free", count, len(pool))
    while not (taken := _try_to_take(count, pool, folder)):
        time.sleep(random.uniform(*PAUSE))
    return taken


def _lock_folder() -> Path:
    folder = Path(tempfile.gettempdir(), f"spectralm-gpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise InputError(folder, "owner", "another user", "remove it, or set TMPDIR")
    return folder


def _try_to_take(count: int, pool: list[str], folder: Path) -> dict[str, int]:
    """Lock the first ``count`` free GPUs, or none if fewer are free, as in :func:`take`."""
    taken = {}
    # One command at a time tries, as it may lock GPUs for a moment that it does not keep.
    with open(folder / "turn", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        for gpu in pool:
            if (lock := _lock(folder / gpu.replace("/", "_"))) is not None:
                taken[gpu] = lock
            if len(taken) == count:
                return taken
        for lock in taken.values():
            os.close(lock)
    return {}


def _lock(path: Path) -> int | None:
    """Lock a file and return its descriptor, or None if another process holds the lock."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


if __name__ == "__main__":
    sys.exit(main())
