"""Where a training works: by one at a time, and once done not again.

A workspace is a folder named by all that decides what is trained
(:func:`~spectralm.provenance.workspace_key`). ``KEY.lock`` beside it says who trains there.
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
#: Folder of a workspace with what its training gave.
FINISHED = "finished"
#: Seconds between the signs of life of an owner, and without one until it counts as dead.
HEARTBEAT_SECONDS = 10.0
LEASE_TIMEOUT_SECONDS = 120.0


@dataclass(frozen=True)
class Owner:
    """A process that trains."""

    host: str
    pid: int
    start_ticks: int
    """Its start in clock ticks since boot: process ids are used again."""
    slurm_job: str | None
    since: str
    """UTC."""

    @classmethod
    def here(cls) -> Self:
        """This process."""
        since = datetime.now(UTC).isoformat(timespec="microseconds")
        start_ticks = _start_ticks(os.getpid())
        return cls(
            socket.gethostname(), os.getpid(), start_ticks, os.environ.get("SLURM_JOB_ID"), since
        )

    def __str__(self) -> str:
        job = f" (SLURM job {self.slurm_job})" if self.slurm_job else ""
        return f"process {self.pid} on {self.host}{job} since {self.since}"

    @property
    def ended_by(self) -> str:
        """The command that ends it."""
        if self.slurm_job:
            return f"`scancel {self.slurm_job}`"
        return f"`kill {self.pid}` on {self.host}"


def _start_ticks(pid: int) -> int:
    """When a process was started; -1 if there is none, or it is a zombie."""
    try:
        fields = Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return -1
    return -1 if fields[0] in "ZX" else int(fields[19])


class Lock:
    """One training in a workspace at a time, even after its owner died; a context manager.

    Nobody ever removes another's lock. A dead owner's is followed by ``KEY.lock.after-...``, a
    name that only one successor can make, and the last of this chain is the owner. That an owner
    on this machine is dead is seen in /proc; on another, from a lock that was not touched for
    ``lease_timeout`` seconds. An owner that was only away for so long finds its successor's lock,
    and ends itself.

    Raises:
        InputError: another process trains there.
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
        self._heartbeat, self._lease_timeout = heartbeat, lease_timeout
        self._done = threading.Event()

    def __enter__(self) -> Self:
        self._first.parent.mkdir(parents=True, exist_ok=True)
        while not self._take():
            pass
        self._heart = threading.Thread(target=self._live, daemon=True)
        self._heart.start()
        return self

    def __exit__(self, *_error) -> None:
        self._done.set()
        self._heart.join()
        if self._mine():
            # From its beginning: a chain without it is nobody's.
            for path, _ in self._chain():
                path.unlink()

    def _chain(self) -> list[tuple[Path, Owner]]:
        """The locks of the first owner and its successors."""
        found = []
        path = self._first
        while (owner := _read(path)) is not None:
            found.append((path, owner))
            path = self._after(owner)
        return found

    def _after(self, owner: Owner) -> Path:
        name = f"{self._first.name}.after-{owner.host}-{owner.pid}-{owner.since}"
        return self._first.with_name(name.replace(":", ""))

    def _take(self) -> bool:
        """Whether the end of the chain is ours now; else it has changed and is to be read again."""
        chain = self._chain()
        if not chain:
            self._place = self._first
        else:
            place, owner = chain[-1]
            if self._alive(place, owner):
                raise InputError(
                    self.workspace,
                    "owner",
                    f"{owner} trains here",
                    f"wait until it ends, or end it with {owner.ended_by} and start again: what it "
                    "has done is gone on from",
                )
            logging.warning("%s: %s is dead; its training is taken over", self.workspace, owner)
            self._place = self._after(owner)
        if not _make(self._place, self.owner):
            return False
        if self._mine():
            return True
        self._place.unlink()
        return False

    def _alive(self, place: Path, owner: Owner) -> bool:
        if owner.host == socket.gethostname():
            return _start_ticks(owner.pid) == owner.start_ticks
        logging.info("%s: waiting for a sign of life of %s", self.workspace, owner)
        seen = _touched(place)
        end = time.monotonic() + self._lease_timeout
        while time.monotonic() < end:
            time.sleep(min(1.0, self._lease_timeout / 10))
            if _touched(place) != seen:
                return _touched(place) is not None
        return False

    def _mine(self) -> bool:
        chain = self._chain()
        return bool(chain) and chain[-1] == (self._place, self.owner)

    def _live(self) -> None:
        while not self._done.wait(self._heartbeat):
            try:
                os.utime(self._place)
                lost = not self._mine()
            except FileNotFoundError:
                lost = True
            except OSError as error:
                logging.warning("%s: %s", self._place, error)
                continue
            if lost:
                logging.error("%s: another process has taken over; this one ends", self.workspace)
                os._exit(1)


def _read(path: Path) -> Owner | None:
    try:
        return Owner(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def _touched(path: Path) -> int | None:
    """When a file was last touched, asked of the server where it is on one; None if it is gone."""
    try:
        with open(path, "rb") as handle:
            return os.fstat(handle.fileno()).st_mtime_ns
    except FileNotFoundError:
        return None


def _make(path: Path, owner: Owner) -> bool:
    """Write a lock, whole from the first moment; False if there is one already."""
    with tempfile.TemporaryDirectory(prefix=".lock.", dir=path.parent) as folder:
        write_json(Path(folder, "owner"), asdict(owner))
        try:
            os.link(Path(folder, "owner"), path)
        except FileExistsError:
            return False
    return True


def is_finished(workspace: Path) -> bool:
    """Whether the training of a workspace has come to its end."""
    return (workspace / FINISHED / MANIFEST).is_file()


def publish(workspace: Path, out: Path) -> None:
    """Put what a finished training gave into its place, the manifest last; then the model is whole.

    All else in the workspace is removed. What it gave is kept there as hard links, which take no
    room: should the place be cleared (Snakemake does so before a job and after a failed one),
    nothing is trained again.
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
