"""Workspaces of trainings: locked by one process at a time, and kept when they are finished.

A workspace is a folder whose name is a hash of everything that determines what is trained
(:func:`~spectralm.provenance.workspace_key`). ``KEY.lock`` beside it names the process that trains
there.
"""

import json
import logging
import os
import shutil
import socket
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from spectralm.errors import InputError
from spectralm.files import atomic, write_json

MANIFEST = "manifest.json"
#: Folder of a workspace with the results of its training.
FINISHED = "finished"
#: An owner touches its lock this often, and is assumed to be dead after the timeout.
HEARTBEAT_SECONDS = 10.0
LEASE_TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Owner:
    """The process that holds a lock."""

    host: str
    pid: int
    start_ticks: int
    """When it was started, in clock ticks since boot, as process ids are reused."""
    slurm_job: str | None
    since: str
    """When the lock was taken, UTC."""

    @classmethod
    def here(cls) -> Self:
        """This process."""
        return cls(
            host=socket.gethostname(),
            pid=os.getpid(),
            start_ticks=_start_ticks(os.getpid()),
            slurm_job=os.environ.get("SLURM_JOB_ID"),
            since=datetime.now(UTC).isoformat(timespec="microseconds"),
        )

    def __str__(self) -> str:
        job = f" (SLURM job {self.slurm_job})" if self.slurm_job else ""
        return f"process {self.pid} on {self.host}{job} since {self.since}"

    @property
    def kill_command(self) -> str:
        """The command that ends the process."""
        if self.slurm_job:
            return f"`scancel {self.slurm_job}`"
        return f"`kill {self.pid}` on {self.host}"


def _start_ticks(pid: int) -> int:
    """When a process was started, in clock ticks since boot; -1 if it does not run."""
    try:
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return -1
    return -1 if fields[0] in "ZX" else int(fields[19])


class Lock:
    """A lock of a workspace that survives the death of its owner; a context manager.

    No process removes the lock of another. If an owner is dead, its successor adds a lock
    ``KEY.lock.after-...``, a name that only one process can create; the last lock of this chain is
    valid. An owner on this machine is dead if its process is not in /proc; an owner on another
    machine, if it has not touched its lock for ``lease_timeout`` seconds. An owner that was only
    suspended for that long finds its successor's lock and ends itself.

    Raises:
        InputError: another process holds the lock.
    """

    def __init__(
        self,
        workspace: Path,
        heartbeat: float = HEARTBEAT_SECONDS,
        lease_timeout: float = LEASE_TIMEOUT_SECONDS,
    ):
        self.workspace = workspace
        self.owner = Owner.here()
        self._first = workspace.with_name(f"{workspace.name}.lock")
        self._interval, self._lease_timeout = heartbeat, lease_timeout
        self._released = threading.Event()

    def __enter__(self) -> Self:
        self._first.parent.mkdir(parents=True, exist_ok=True)
        while not self._acquire():
            pass
        self._heartbeat = threading.Thread(target=self._keep_alive, daemon=True)
        self._heartbeat.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._released.set()
        self._heartbeat.join()
        if self._is_held():
            # The first lock is removed first: without it, the rest of the chain is not valid.
            for path, _ in self._chain():
                path.unlink()

    def _chain(self) -> list[tuple[Path, Owner]]:
        """The locks of the first owner and its successors."""
        found = []
        path = self._first
        while (owner := _read(path)) is not None:
            found.append((path, owner))
            path = self._successor(owner)
        return found

    def _successor(self, owner: Owner) -> Path:
        name = f"{self._first.name}.after-{owner.host}-{owner.pid}-{owner.since}"
        return self._first.with_name(name.replace(":", ""))

    def _acquire(self) -> bool:
        """Add a lock to the chain; False if the chain has changed meanwhile."""
        chain = self._chain()
        if not chain:
            self._path = self._first
        else:
            path, owner = chain[-1]
            if self._is_alive(path, owner):
                raise InputError(
                    self.workspace,
                    "owner",
                    f"{owner} trains here",
                    f"wait until it ends, or end it with {owner.kill_command} and start again: the "
                    "training continues where it stopped",
                )
            logging.warning("%s: %s is dead; its training is taken over", self.workspace, owner)
            self._path = self._successor(owner)
        if not _create(self._path, self.owner):
            return False
        if self._is_held():
            return True
        self._path.unlink()
        return False

    def _is_alive(self, path: Path, owner: Owner) -> bool:
        if owner.host == socket.gethostname():
            return _start_ticks(owner.pid) == owner.start_ticks
        logging.info("%s: waiting for a heartbeat of %s", self.workspace, owner)
        before = _modified(path)
        end = time.monotonic() + self._lease_timeout
        while time.monotonic() < end:
            time.sleep(min(1.0, self._lease_timeout / 10))
            if _modified(path) != before:
                return _modified(path) is not None
        return False

    def _is_held(self) -> bool:
        chain = self._chain()
        return bool(chain) and chain[-1] == (self._path, self.owner)

    def _keep_alive(self) -> None:
        while not self._released.wait(self._interval):
            try:
                os.utime(self._path)
                lost = not self._is_held()
            except FileNotFoundError:
                lost = True
            except OSError as error:
                logging.warning("%s: %s", self._path, error)
                continue
            if lost:
                logging.error("%s: another process has taken over; this one ends", self.workspace)
                os._exit(1)


def _read(path: Path) -> Owner | None:
    try:
        return Owner(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def _modified(path: Path) -> int | None:
    """When a file was modified; None if it does not exist.

    Opening the file makes a network file system ask the server for it.
    """
    try:
        with open(path, "rb") as handle:
            return os.fstat(handle.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None


def _create(path: Path, owner: Owner) -> bool:
    """Write a lock, which is complete as soon as it exists; False if there is one already."""
    with tempfile.TemporaryDirectory(prefix=".lock.", dir=path.parent) as folder:
        write_json(Path(folder, "owner"), asdict(owner))
        try:
            os.link(Path(folder, "owner"), path)
        except FileExistsError:
            return False
    return True


def is_finished(workspace: Path) -> bool:
    """Whether the training of a workspace is finished."""
    return (workspace / FINISHED / MANIFEST).is_file()


def publish(workspace: Path, out: Path) -> None:
    """Copy the results of a finished training to ``out``, the manifest last.

    Everything else in the workspace is removed. The results stay there as hard links, which take no
    space, so that nothing is trained again if ``out`` is removed (Snakemake does this before a job
    and after a failed one).
    """
    finished = workspace / FINISHED
    (out / MANIFEST).unlink(missing_ok=True)
    files = [path for path in finished.rglob("*") if path.is_file()]
    for path in sorted(files, key=lambda path: (path.name == MANIFEST, path)):
        with atomic(out / path.relative_to(finished)) as temporary:
            temporary.unlink()
            try:
                os.link(path, temporary)
            except OSError:  # another file system, or one without hard links
                shutil.copyfile(path, temporary)
            os.utime(temporary)
    for path in workspace.iterdir():
        if path.is_dir() and path != finished:
            shutil.rmtree(path)
        elif path.is_file():
            path.unlink()
