"""Each GPU is used by one command: real processes on a simulated machine with eight GPUs."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from processes import finish, started

GPUS = [f"GPU-{number}-of-eight" for number in range(8)]
#: What `nvidia-smi` does here, if its arguments are correct.
EIGHT = f'test "$*" = "--query-gpu=uuid --format=csv,noheader" && printf "%s\\n" {" ".join(GPUS)}'
#: A job that uses its GPUs for a moment, and fails if another uses one of them meanwhile.
USE = """\
set -e
gpus=$(echo "$CUDA_VISIBLE_DEVICES" | tr , ' ')
echo "sees $CUDA_VISIBLE_DEVICES"
for gpu in $gpus; do mkdir "in_use.$gpu"; done
sleep 0.1
for gpu in $gpus; do rmdir "in_use.$gpu"; done
"""
#: A job that holds its GPUs until it can read a line from a pipe.
HOLD = 'echo "sees $CUDA_VISIBLE_DEVICES"; read -r line < "$0"'
SHOW = 'echo "sees ${CUDA_VISIBLE_DEVICES-nothing}"'
SNAKEFILE = """
rule all:
    input:
        expand("one.{job}", job=range(8)),
        expand("five.{job}", job=range(2)),
        "eight",
        "killed",


rule one:
    output:
        "one.{job}",
    resources:
        gpu=1,
    shell:
        "python -m spectralm.gpus {resources.gpu} sh use.sh > {output}"


use rule one as five with:
    output:
        "five.{job}",
    resources:
        gpu=5,


use rule one as eight with:
    output:
        "eight",
    resources:
        gpu=8,


rule killed:
    output:
        "killed",
    resources:
        gpu=3,
    shell:
        "python -m spectralm.gpus {resources.gpu}"
        " sh -c '. ./use.sh; if mkdir killed_once; then kill -KILL $$; fi' > {output}"
"""


class Machine:
    """A machine with eight GPUs, on which jobs are started."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.jobs: list[subprocess.Popen] = []
        (folder / "bin").mkdir()
        (folder / "tmp").mkdir()
        (folder / "use.sh").write_text(USE)
        self.nvidia_smi(EIGHT)

    def nvidia_smi(self, does: str) -> None:
        """Let `nvidia-smi` do something else."""
        script = self.folder / "bin" / "nvidia-smi"
        script.write_text(f"#!/bin/sh\n{does}\n")
        script.chmod(0o755)

    def start(self, count: int | str, *command: str, **environment: str) -> subprocess.Popen:
        """Start a command on ``count`` GPUs."""
        arguments = [sys.executable, "-m", "spectralm.gpus", count, *command]
        self.jobs.append(started(arguments, self.folder, **environment))
        return self.jobs[-1]

    def use(self, count: int) -> subprocess.Popen:
        """Start a job that uses ``count`` GPUs for a moment."""
        return self.start(count, "/bin/sh", "use.sh")

    def hold(self, count: int, **environment: str) -> subprocess.Popen:
        """Start a job that holds ``count`` GPUs until `end`."""
        end = self.folder / f"end.{len(self.jobs)}"
        os.mkfifo(end)
        return self.start(count, "/bin/sh", "-c", HOLD, str(end), **environment)

    def end(self, job: subprocess.Popen) -> None:
        """End a job that holds GPUs."""
        # Opened for reading too, so that this does not wait if the job has ended.
        end = os.open(self.folder / f"end.{self.jobs.index(job)}", os.O_RDWR)
        os.write(end, b"now\n")
        finish(job)
        os.close(end)

    def kill_all(self) -> None:
        """Kill the jobs that still run."""
        for job in self.jobs:
            if job.poll() is None:
                os.killpg(job.pid, signal.SIGKILL)


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Iterator[Machine]:
    """A machine for each test; jobs that still run after ten minutes are killed."""
    made = Machine(tmp_path)
    here = Path(sys.executable).parent
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{here}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    watch = threading.Timer(600, made.kill_all)
    watch.start()
    yield made
    watch.cancel()
    made.kill_all()
    for job in made.jobs:
        job.wait()
        job.stdout.close()


def next_line(job: subprocess.Popen, text: str) -> str:
    """The next line of a job's output that contains a text."""
    return next(line for line in job.stdout if text in line)


def seen(job: subprocess.Popen) -> list[str]:
    """The GPUs that a job sees, once it runs."""
    return gpus_in(next_line(job, "sees "))


def gpus_in(output: str) -> list[str]:
    return re.search("^sees (.*)$", output, re.MULTILINE)[1].split(",")


def test_eight_jobs_of_one_have_a_gpu_each_and_a_ninth_waits(machine):
    eight = [machine.hold(1) for _ in range(8)]
    by_gpu = {tuple(seen(job)): job for job in eight}
    assert sorted(by_gpu) == [(gpu,) for gpu in GPUS]
    ninth = machine.hold(1)
    assert "waiting until 1 of 8 GPUs are free" in next_line(ninth, "waiting")
    machine.end(by_gpu["GPU-5-of-eight",])
    assert seen(ninth) == ["GPU-5-of-eight"]


def test_the_gpus_of_a_killed_job_are_free_at_once(machine):
    job = machine.hold(8)
    assert seen(job) == GPUS
    job.kill()
    job.wait()
    output = finish(machine.use(8))
    assert gpus_in(output) == GPUS
    assert "waiting" not in output


def test_a_waiting_job_may_be_killed(machine):
    holder = machine.hold(8)
    seen(holder)
    job = machine.use(1)
    next_line(job, "waiting")
    job.kill()
    job.wait()
    machine.end(holder)
    assert gpus_in(finish(machine.use(8))) == GPUS


def test_jobs_of_eight_and_of_one_never_share(machine):
    holder = machine.hold(1)
    seen(holder)
    large = [machine.use(8) for _ in range(2)]
    for job in large:
        next_line(job, "waiting")
    small = [machine.use(1) for _ in range(6)]
    for job in small[:3]:
        assert len(gpus_in(finish(job))) == 1
    machine.end(holder)
    for job in large:
        assert gpus_in(finish(job)) == GPUS
    for job in small[3:]:
        finish(job)


def test_two_jobs_of_five_do_not_wait_for_each_other(machine):
    holder = machine.hold(4)
    seen(holder)
    both = [machine.use(5) for _ in range(2)]
    for job in both:
        next_line(job, "waiting")
    # Waiting jobs hold none of the other four.
    output = finish(machine.use(4))
    assert len(gpus_in(output)) == 4
    assert "waiting" not in output
    machine.end(holder)
    for job in both:
        assert len(gpus_in(finish(job))) == 5


@pytest.mark.parametrize(
    ("given", "pool"),
    [
        ("6, 2", ["GPU-6-of-eight", "GPU-2-of-eight"]),
        ("1,GPU-1-of-eight,GPU-1,3", ["GPU-1-of-eight", "GPU-3-of-eight"]),
        ("GPU-elsewhere,GPU-4-of-eight", ["GPU-elsewhere", "GPU-4-of-eight"]),
        ("MIG-GPU-a/1/0,MIG-b", ["MIG-GPU-a/1/0", "MIG-b"]),
    ],
)
def test_cuda_visible_devices_restricts_the_gpus(machine, given, pool):
    first, second = (machine.hold(1, CUDA_VISIBLE_DEVICES=given) for _ in range(2))
    assert sorted(seen(first) + seen(second)) == sorted(pool)
    third = machine.hold(1, CUDA_VISIBLE_DEVICES=given)
    assert "waiting until 1 of 2 GPUs are free" in next_line(third, "waiting")
    # The other GPUs are free.
    free = [gpu for gpu in GPUS if gpu not in pool]
    assert seen(machine.hold(len(free))) == free


@pytest.mark.parametrize(
    ("count", "given", "error"),
    [
        (9, None, "this machine: GPUs: 9 are needed, and there are 8 (GPU-0-of-eight, "),
        (
            3,
            "4,0",
            "3 are needed, and there are 2 (GPU-4-of-eight, GPU-0-of-eight); lower training",
        ),
        (1, "0,8", "CUDA_VISIBLE_DEVICES: GPU: '8' is none of the 8 GPUs of this machine; give "),
        (1, "3,", "'' is none of the 8 GPUs"),
    ],
)
def test_missing_gpus_are_an_error(machine, count, given, error):
    environment = {} if given is None else {"CUDA_VISIBLE_DEVICES": given}
    job = machine.start(count, "/bin/sh", "-c", SHOW, **environment)
    output, _ = job.communicate()
    assert job.returncode == 1
    assert output.startswith("spectralm.gpus: error: ")
    assert error in output


@pytest.mark.parametrize(
    ("count", "nvidia_smi", "visible"),
    [
        (0, EIGHT, None),
        (0, EIGHT, "0,1"),
        (2, "echo No devices were found", None),
        (2, "exit 9", "0,1"),
        (2, "exit 9", None),
        (2, None, "GPU-7"),
        (2, EIGHT, ""),
        (2, EIGHT, "-1"),
    ],
)
def test_without_gpus_the_command_runs_as_it_is(machine, monkeypatch, count, nvidia_smi, visible):
    if nvidia_smi is None:
        monkeypatch.setenv("PATH", str(machine.folder))
    else:
        machine.nvidia_smi(nvidia_smi)
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    output = finish(machine.start(count, "/bin/sh", "-c", SHOW, **environment))
    assert output.endswith(f"sees {'nothing' if visible is None else visible}\n")
    assert ("nvidia-smi fails" in output) == (nvidia_smi == "exit 9")
    assert not list((machine.folder / "tmp").iterdir())


def test_the_command_is_what_was_given(machine):
    output = finish(machine.start(1, "printf", "<%s>", "a  b", "", "$HOME", "--help"))
    assert output.endswith("<a  b><><$HOME><--help>")
    # A signal that Python ignores is not ignored by the command.
    ignored = finish(machine.start(1, "grep", "SigIgn", "/proc/self/status")).split()[-1]
    assert not int(ignored, 16) & 1 << signal.SIGPIPE - 1


@pytest.mark.parametrize(("ends", "status"), [("exit 7", 7), ("kill -TERM $$", -signal.SIGTERM)])
def test_the_status_is_the_commands(machine, ends, status):
    job = machine.start(1, "/bin/sh", "-c", ends)
    job.communicate()
    assert job.returncode == status


def test_an_unknown_command_is_an_error(machine):
    job = machine.start(1, "no-such-command")
    output, _ = job.communicate()
    assert job.returncode == 1
    assert "error: no-such-command: command: cannot be started (No such file" in output


@pytest.mark.parametrize("arguments", [[], ["1"], ["many", "true"], ["-1", "true"]])
def test_wrong_arguments_print_the_usage(machine, arguments):
    job = started([sys.executable, "-m", "spectralm.gpus", *arguments])
    output, _ = job.communicate()
    assert job.returncode == 2
    assert output == "usage: python -m spectralm.gpus COUNT COMMAND...\n"


def test_the_folder_of_locks_is_the_users_own(machine):
    finish(machine.use(1))
    (folder,) = (machine.folder / "tmp").iterdir()
    assert folder.name == f"spectralm-gpus-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_jobs_of_snakemake_never_share(machine, repository):
    (machine.folder / "Snakefile").write_text(SNAKEFILE)
    holder = machine.hold(1)
    seen(holder)
    command = ["snakemake", "--profile", repository / "node", "--cores", 16]
    command += ["--directory", machine.folder, "--snakefile", machine.folder / "Snakefile"]
    snakemake = started(command)
    machine.jobs.append(snakemake)
    # A GPU is held by a job that Snakemake did not start, so a job waits.
    next_line(snakemake, "waiting until 8 of 8 GPUs are free")
    machine.end(holder)
    finish(snakemake)
    for name, count in [("one.0", 1), ("one.7", 1), ("five.0", 5), ("eight", 8), ("killed", 3)]:
        assert len(set(gpus_in((machine.folder / name).read_text()))) == count
    assert (machine.folder / "killed_once").is_dir()
    assert not list(machine.folder.glob("in_use.*"))


def test_the_rules_in_the_profile_exist(repository):
    profile = yaml.safe_load((repository / "node" / "config.yaml").read_text())
    rules = "".join(file.read_text() for file in (repository / "workflow" / "rules").glob("*.smk"))
    assert profile["set-threads"].keys() <= set(re.findall(r"^rule (\w+):", rules, re.MULTILINE))
    assert profile["resources"] == {"gpu": 8}
