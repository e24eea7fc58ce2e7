"""Snakemake on the cluster: started, watched, killed; and what it left."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from slurm.cluster import wait_for

RUN = "tiny-lamost-40"
MODEL = Path("results", "models", RUN)
SHARDS = ("0000", "0001")


@dataclass
class Snakemake:
    """`snakemake --profile slurm` in the folder of an experiment."""

    folder: Path
    process: subprocess.Popen
    log: Path

    @classmethod
    def start(cls, folder: Path, *arguments: str) -> "Snakemake":
        """Start it; what it prints is kept in a file."""
        environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
        environment |= {
            "PYTHONPATH": str(folder / "src"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "OMP_NUM_THREADS": "1",
        }
        log = folder / f"snakemake-{len(list(folder.glob('snakemake-*')))}.txt"
        command = ["snakemake", "--configfile", "mine.yaml", "--profile", "slurm", *arguments]
        with open(log, "wb") as out:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return cls(folder, process, log)

    @property
    def said(self) -> str:
        """Its output so far."""
        return self.log.read_text()

    @property
    def run_id(self) -> str:
        """The name of all its jobs."""
        return re.search(r"SLURM run ID: (\S+)", self.said)[1]

    def wait_for(self, pattern: str) -> None:
        """Until a file is there; fails if Snakemake ends before."""

        def there() -> bool:
            assert self.process.poll() is None, self.said[-8000:]
            return any(True for _ in self.folder.glob(pattern))

        wait_for(there, pattern, seconds=1200)

    def kill(self) -> None:
        """SIGKILL, as when the login node goes down; its jobs run on."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def finish(self) -> None:
        """Wait until it ends well."""
        self._end()
        assert self.process.returncode == 0, self.said[-12000:]

    def fail(self) -> None:
        """Wait until it says that a job failed."""
        self._end()
        assert self.process.returncode == 1, self.said[-12000:]

    def _end(self) -> None:
        try:
            self.process.wait(timeout=1800)
        except subprocess.TimeoutExpired:
            self.kill()


def end_all(folder: Path) -> None:
    """End what still works in a folder: SLURM without cgroups loses what outlives its parent."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == folder:
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:  # it has ended, or is not ours
            continue


def trainings(folder: Path) -> int:
    """How often a training began or went on: each time leaves a first file of events."""
    return len(list((folder / "logs" / "models" / RUN).glob("events.*.0")))


def training_log(folder: Path) -> str:
    """What the last attempt at the training has said so far."""
    path = folder / "logs" / "models" / f"{RUN}.log"
    # The last sign may be half written; and Snakemake removes the log before each attempt.
    return path.read_text(errors="replace") if path.exists() else ""


def gone_on_from(folder: Path) -> set[int]:
    """The step that the last attempt went on from, as its processes say; none if it did not."""
    said = training_log(folder)
    return set(map(int, re.findall(r"workspace .*, from .*checkpoint-(\d+)", said)))


def checkpoints(folder: Path) -> list[int]:
    """Steps at which everything needed to go on is on the disk."""
    found = folder.glob("workspaces/*/checkpoint-*/trainer_state.json")
    return sorted(int(path.parent.name.split("-")[1]) for path in found)


def same(one: Path, other: Path, *names: str) -> bool:
    """Whether files of these names are equal, byte by byte, in two folders."""
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in names)
