"""Locks of workspaces, and the results of finished trainings."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from spectralm.errors import InputError
from spectralm.workspace import FINISHED, MANIFEST, Lock, Owner, is_finished, publish

HOLD = """
import sys, time
from pathlib import Path
from spectralm.workspace import Lock
with Lock(Path(sys.argv[1]), heartbeat=0.05):
    print("trains", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that trains in ``tmp_path / "key"``."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "key"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SLURM_JOB_ID": "4711"},
    )
    assert process.stdout.readline() == "trains\n"
    yield process
    process.kill()
    process.communicate()


def write_lock(owner: Owner, workspace: Path) -> Path:
    """Write the lock of an owner."""
    path = workspace.with_name(f"{workspace.name}.lock")
    path.write_text(json.dumps(asdict(owner)))
    return path


def test_the_error_of_a_second_training_names_the_first_and_what_to_do(holder, tmp_path):
    started = time.monotonic()
    with pytest.raises(InputError) as refused, Lock(tmp_path / "key"):
        pass
    assert time.monotonic() - started < 5
    for text in (str(tmp_path / "key"), f"process {holder.pid} on", "job 4711", "scancel 4711"):
        assert text in str(refused.value)
    assert holder.poll() is None


def test_a_lock_ends_with_its_training(tmp_path):
    for _ in range(2):
        with Lock(tmp_path / "key"):
            assert [path.name for path in tmp_path.iterdir()] == ["key.lock"]
        assert list(tmp_path.iterdir()) == []


def test_a_killed_owner_is_followed_at_once(holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    while Path(f"/proc/{holder.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z":
        time.sleep(0.01)
    with Lock(tmp_path / "key"), pytest.raises(InputError, match=f"process {os.getpid()} "):
        Lock(tmp_path / "key").__enter__()
    assert list(tmp_path.iterdir()) == []


def test_a_reused_process_id_is_another_owner(tmp_path):
    write_lock(replace(Owner.here(), start_ticks=1), tmp_path / "key")
    with Lock(tmp_path / "key"):
        pass


def test_an_owner_on_another_host_is_dead_without_a_heartbeat(tmp_path):
    elsewhere = replace(Owner.here(), host="elsewhere", slurm_job=None)
    path = write_lock(elsewhere, tmp_path / "key")
    stop = threading.Event()

    def live() -> None:
        while not stop.wait(0.05):
            os.utime(path)

    heart = threading.Thread(target=live)
    heart.start()
    with pytest.raises(InputError, match=r"`kill \d+` on elsewhere"):
        Lock(tmp_path / "key", lease_timeout=10).__enter__()
    stop.set()
    heart.join()
    with Lock(tmp_path / "key", lease_timeout=0.5):
        assert len(list(tmp_path.iterdir())) == 2


def test_an_owner_that_was_suspended_too_long_ends(holder, tmp_path):
    owner = Owner(**json.loads((tmp_path / "key.lock").read_text()))
    assert owner.pid == holder.pid
    lock = Lock(tmp_path / "key")
    assert lock._is_alive(tmp_path / "key.lock", owner)
    lock._successor(owner).write_text(json.dumps(asdict(replace(owner, host="elsewhere"))))
    assert holder.wait(timeout=20) == 1


def compete(workspace: Path, seed: int, violations) -> None:
    """Take and release the lock until this process dies while it holds the lock."""
    dice = random.Random(seed)
    while True:
        try:
            with Lock(workspace):
                inside = workspace.with_name("inside")
                try:
                    inside.touch(exist_ok=False)
                except FileExistsError:
                    violations.value += 1
                time.sleep(dice.uniform(0, 0.002))
                inside.unlink()
                if dice.random() < 0.2:
                    os._exit(0)
        except InputError:
            time.sleep(dice.uniform(0, 0.002))


def test_only_one_of_many_processes_trains_although_owners_die(tmp_path):
    spawn = multiprocessing.get_context("fork")
    violations = spawn.Value("i", 0)
    others = [
        spawn.Process(target=compete, args=(tmp_path / "key", seed, violations))
        for seed in range(24)
    ]
    for other in others:
        other.start()
    for other in others:
        other.join(timeout=60)
        assert other.exitcode == 0
    assert violations.value == 0
    with Lock(tmp_path / "key"):
        pass


def test_a_finished_training_is_published_again_after_its_outputs_were_cleared(tmp_path):
    workspace, out = tmp_path / "key", tmp_path / "run"
    weights = workspace / FINISHED / "weights" / "model"
    weights.parent.mkdir(parents=True)
    weights.write_text("weights")
    (workspace / "checkpoint").write_text("old")
    assert not is_finished(workspace)
    (workspace / FINISHED / MANIFEST).write_text("{}")
    assert is_finished(workspace)
    for _ in range(2):
        publish(workspace, out)
        assert (out / "weights" / "model").samefile(weights)
        assert {path.name for path in out.iterdir()} == {"weights", MANIFEST}
        assert [path.name for path in workspace.iterdir()] == [FINISHED]
        (out / "weights" / "model").unlink()
