"""The workflow on a real SLURM, and what is lost when something fails: nothing.

One file, so that one worker of pytest has the cluster.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from slurm.cluster import output, wait_for
from slurm.runs import (
    MODEL,
    RUN,
    SHARDS,
    Snakemake,
    checkpoints,
    end_all,
    gone_on_from,
    same,
    training_log,
    trainings,
)
from workflow.experiment import Experiment

pytestmark = pytest.mark.slurm

SPECTRA = [f"results/spectra/lamost/{shard}.parquet" for shard in SHARDS]
QUESTIONS = [f"results/qa/lamost/train/{shard}.parameters.compact.jsonl.gz" for shard in SHARDS]
ADAPTER = f"{MODEL}/adapter_model.safetensors"
PREDICTIONS = [f"results/predictions/{RUN}/lamost/{shard}.parquet" for shard in SHARDS]
RESIDUALS = f"results/residuals/{RUN}/lamost.parquet"
CHECKPOINT = "workspaces/*/checkpoint-*/trainer_state.json"
STEPS = 22


@pytest.fixture
def folder(experiment: Experiment) -> Path:
    """The experiment without its spectra and models."""
    for name in ("results/spectra", MODEL, "workspaces", f"logs/models/{RUN}"):
        shutil.rmtree(experiment.folder / name, ignore_errors=True)
    return experiment.folder


@pytest.fixture
def with_questions(folder: Path, reference: Path) -> Path:
    """The same with all questions, as they were made without SLURM."""
    for name in ("results/spectra", "results/qa"):
        shutil.copytree(reference / name, folder / name, dirs_exist_ok=True)
    return folder


@pytest.fixture
def edit(experiment: Experiment) -> Iterator[Callable[[str, str, str], None]]:
    """A function that changes a file of the experiment, for one test."""
    kept: dict[Path, str] = {}

    def change(path: str, old: str, new: str) -> None:
        file = experiment.folder / path
        kept.setdefault(file, file.read_text())
        experiment.edit(path, old, new)

    yield change
    for file, text in kept.items():
        file.write_text(text)


@pytest.fixture
def snakemake(experiment: Experiment) -> Iterator[Callable[..., Snakemake]]:
    """A function that starts Snakemake; what a test leaves running is ended, jobs too."""
    runs: list[Snakemake] = []

    def start(*arguments: str) -> Snakemake:
        runs.append(Snakemake.start(experiment.folder, *arguments))
        return runs[-1]

    yield start
    for run in runs:
        run.kill()
    output("scancel", "--user", "root")
    wait_for(lambda: not output("squeue", "--noheader"), "no jobs")
    end_all(experiment.folder)
    shutil.rmtree(experiment.folder / ".snakemake" / "locks", ignore_errors=True)


def test_shards_are_arrays_and_a_job_over_its_memory_gets_more(
    cluster, reference, folder, edit, snakemake
):
    edit(
        "profiles/slurm/config.yaml",
        "resample_spectra: {mem_mb: 8000 * attempt",
        "resample_spectra: {mem_mb: 60 if attempt == 1 else 8000",
    )
    run = snakemake(*QUESTIONS)
    run.finish()
    assert same(folder, reference, *SPECTRA, *QUESTIONS)
    rows = cluster.accounts(run.run_id, "JobID", "State", "ReqMem", "Partition")
    assert {partition for *_, partition in rows} == {"cpu"}
    killed = [job for job, state, memory, _ in rows if state == "FAILED" and memory == "61M"]
    whole = [job for job, state, *_ in rows if state == "COMPLETED"]
    assert sorted(job.partition("_")[2] for job in killed) == ["1", "2"]
    assert len(whole) == 4


def test_a_cancelled_training_ends_with_the_same_adapter(
    cluster, reference, with_questions, snakemake
):
    folder = with_questions
    run = snakemake(RESIDUALS)
    run.wait_for(CHECKPOINT)
    (job,) = cluster.jobs()
    done = checkpoints(folder)[-1]
    assert 0 < done < STEPS
    output("scancel", job)
    run.finish()
    assert same(folder, reference, ADAPTER, *PREDICTIONS, RESIDUALS)
    assert trainings(folder) == 2
    (step,) = gone_on_from(folder)
    assert done <= step < STEPS
    rows = cluster.accounts(run.run_id, "JobID", "State", "Partition", "AllocTRES")
    assert [state for number, state, *_ in rows if number == job] == ["CANCELLED by 0"]
    trained = [partition for *_, partition, given in rows if "gres/gpu=2" in given]
    assert trained == ["gpu", "gpu"]


def test_a_warned_training_is_requeued_and_uses_no_attempt(
    cluster, reference, with_questions, snakemake
):
    """SLURM's warning is sent by hand, twice; and a training knows the end of its job's time."""
    folder = with_questions
    run = snakemake(ADAPTER, "--retries", "0")
    for times in (1, 2):
        wait_for(lambda: trainings(folder) == times, "the training", 600)  # noqa: B023
        run.wait_for(CHECKPOINT)
        (job,) = cluster.jobs()
        output("scancel", "--signal=URG", job)
        wait_for(lambda: bool(output("squeue", "-h", "-t", "pending")), "the job in the queue", 300)
        # SLURM would wait for two minutes.
        output("scontrol", "update", f"jobid={job}", "starttime=now")
    run.finish()
    assert same(folder, reference, ADAPTER)
    assert trainings(folder) == 3
    assert len(gone_on_from(folder)) == 1
    assert "the time of this job is over at 20" in training_log(folder)
    states = cluster.accounts(run.run_id, "JobID", "State")
    assert states == [(job, "REQUEUED"), (job, "REQUEUED"), (job, "COMPLETED")]


def test_snakemake_killed_and_started_again_while_its_training_runs(
    cluster, reference, with_questions, snakemake
):
    folder = with_questions
    first = snakemake(ADAPTER)
    first.wait_for(CHECKPOINT)
    first.kill()
    (job,) = cluster.jobs()
    # However slow the second Snakemake is, it finds the training going on.
    output("scontrol", "suspend", job)
    snakemake("--unlock").finish()
    second = snakemake(ADAPTER, "--retries", "0")
    second.fail()
    assert cluster.accounts(second.run_id, "State") == [("FAILED",)]
    assert f"(SLURM job {job}) since" in training_log(folder)
    assert not (folder / ADAPTER).exists()
    output("scontrol", "resume", job)
    assert cluster.accounts(first.run_id, "JobID", "State") == [(job, "COMPLETED")]
    assert same(folder, reference, ADAPTER)
    # The third one does not know that, but nothing is trained again.
    snakemake(ADAPTER).finish()
    assert same(folder, reference, ADAPTER)
    assert trainings(folder) == 1


def test_a_node_is_set_down_in_the_middle_of_a_training(
    cluster, reference, with_questions, snakemake
):
    folder = with_questions
    run = snakemake(ADAPTER)
    run.wait_for(CHECKPOINT)
    (job,) = cluster.jobs("-w", "g1")
    output("scontrol", "update", "nodename=g1", "state=down", "reason=test")
    try:
        wait_for(lambda: bool(output("squeue", "-h", "-t", "pending")), "the job in the queue", 300)
        # SLURM would wait for two minutes.
        output("scontrol", "update", f"jobid={job}", "starttime=now")
        run.finish()
    finally:
        output("scontrol", "update", "nodename=g1", "state=resume")
    assert same(folder, reference, ADAPTER)
    assert trainings(folder) == 2
    assert len(gone_on_from(folder)) == 1
    cluster.wait_for_nodes()


@pytest.mark.parametrize("daemon", ["slurmctld", "slurmdbd"])
def test_a_daemon_is_away_while_a_job_ends(daemon, cluster, reference, folder, snakemake):
    run = snakemake(SPECTRA[0])
    # Without slurmctld, a job cannot begin the step that does its work.
    wait_for(lambda: len(cluster.steps()) == 1, "the step of the job", 600)
    with cluster.without(daemon):
        gone = time.monotonic()
        made = folder / SPECTRA[0]
        assert not made.exists()
        wait_for(made.exists, "spectra", 600)
        wait_for(lambda: time.monotonic() - gone > 15, "15 s")
    run.finish()
    assert same(folder, reference, SPECTRA[0])
    assert cluster.accounts(run.run_id, "State") == [("COMPLETED",)]


def test_a_training_on_two_nodes(cluster, reference, with_questions, edit, snakemake):
    profile = "profiles/slurm/config.yaml"
    edit(profile, "    # mpi: srun\n    # tasks: 2 ", "    mpi: srun\n    tasks: 2 ")
    edit("mine.yaml", "processes: 2\n", "processes: 1\n      nodes: 2\n")
    run = snakemake(ADAPTER)
    run.finish()
    assert same(with_questions, reference, ADAPTER)
    ((state, nodes, resources),) = cluster.accounts(run.run_id, "State", "NodeList", "AllocTRES")
    assert (state, nodes) == ("COMPLETED", "c1,g1")
    assert "gres/gpu=2" in resources
