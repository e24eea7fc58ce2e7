"""A SLURM of our own on loopback: munge, slurmctld, slurmdbd on MariaDB, two slurmd with GPUs.

Everything lies in one folder; the GPUs are links to /dev/null and /dev/zero. Snakemake's job steps
drop SLURM_CONF, so /etc/slurm/*.conf are links to our files while the cluster is up.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")
ETC = Path("/etc/slurm")
LINKED = ("slurm.conf", "gres.conf", "cgroup.conf")
PORT = 26817

SLURM = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
ReturnToService=1
SlurmdParameters=config_overrides
LaunchParameters=disable_send_gids
GresTypes=gpu
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=bf_interval=1,sched_interval=2,batch_sched_delay=0,defer_batch=0
PriorityType=priority/basic
SlurmdTimeout=15
SlurmctldTimeout=15
MessageTimeout=30
KillWait=30
UnkillableStepTimeout=20
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounting}
AccountingStoragePass={folder}/munge/socket
AccountingStorageTRES=gres/gpu
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
NodeName=c1 NodeHostname=c1 NodeAddr=127.0.0.1 Port={c1} CPUs=64 RealMemory=1000000 \
Gres=gpu:fake:2 Weight=2 State=UNKNOWN
NodeName=g1 NodeHostname=g1 NodeAddr=127.0.0.1 Port={g1} CPUs=64 RealMemory=1000000 \
Gres=gpu:fake:2 Weight=1 State=UNKNOWN
PartitionName=cpu Nodes=c1 Default=YES State=UP
PartitionName=gpu Nodes=c1,g1 State=UP
"""

GRES = "AutoDetect=off\nNodeName=c1,g1 Name=gpu Type=fake File={folder}/gpu[0-1]\n"
CGROUP = "CgroupAutomount=no\nConstrainCores=no\nConstrainRAMSpace=no\nConstrainDevices=no\n"

SLURMDBD = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={accounting}
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
LogFile={folder}/log/slurmdbd.log
PidFile={folder}/run/slurmdbd.pid
"""

ACCOUNTS = """
create database slurm_acct_db;
create user 'slurm'@'127.0.0.1' identified by 'slurm';
create user 'slurm'@'localhost' identified by 'slurm';
grant all on slurm_acct_db.* to 'slurm'@'127.0.0.1';
grant all on slurm_acct_db.* to 'slurm'@'localhost';
"""


def why_not() -> str:
    """Why there can be no cluster here; empty if there can."""
    if os.geteuid() != 0:
        return "SLURM's daemons need root here"
    missing = [name for name in (*DAEMONS, "mariadb-install-db") if shutil.which(name) is None]
    if missing:
        return (
            f"{', '.join(missing)} not there; apt install slurm-wlm slurmdbd munge mariadb-server"
        )
    if any((ETC / name).exists() for name in LINKED):
        return f"{ETC} has a configuration: this machine is in a cluster"
    return ""


def wait_for(true: Callable[[], bool], what: str, seconds: float = 300) -> None:
    """Wait until something is true; fails after so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def output(*command: object) -> str:
    """What a command prints; empty if it fails."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


@dataclass
class Cluster:
    """A running cluster; partition cpu is node c1, partition gpu is g1 and then c1."""

    folder: Path
    running: dict[str, subprocess.Popen] = field(default_factory=dict)

    def start(self) -> None:
        """Bring everything up."""
        for name in ("run", "log", "state", "spool/c1", "spool/g1", "munge", "database"):
            (self.folder / name).mkdir(parents=True)
        self._configure()
        self._start_munge()
        self._start_database()
        self.start_accounting()
        for told in (
            ("cluster", "test"),
            ("account", "default", "cluster=test"),
            ("user", "root", "account=default", "cluster=test"),
        ):
            subprocess.run(["sacctmgr", "-i", "add", *told], check=True, capture_output=True)
        self.start_controller()
        for node in ("c1", "g1"):
            self._daemon(f"slurmd-{node}", "slurmd", "-D", "-N", node)
        self.wait_for_nodes()

    def stop(self) -> None:
        """Take everything down, jobs first."""
        output("scancel", "--user", "root")
        # A daemon of a job waits for slurmctld for ever.
        with suppress(AssertionError):
            wait_for(lambda: not output("squeue", "--noheader"), "no jobs")
        for name in reversed(list(self.running)):
            self.end(name)
        for name in LINKED:
            (ETC / name).unlink(missing_ok=True)

    def end(self, name: str, how: int = signal.SIGTERM) -> None:
        """End one daemon."""
        process = self.running.pop(name)
        process.send_signal(how)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def start_controller(self) -> None:
        """Start slurmctld, as after its end."""
        self._daemon("slurmctld", "slurmctld", "-D")
        wait_for(lambda: "UP" in output("scontrol", "ping"), "slurmctld")

    def start_accounting(self) -> None:
        """Start slurmdbd, as after its end."""
        self._daemon("slurmdbd", "slurmdbd", "-D")
        wait_for(lambda: "Cluster" in output("sacctmgr", "list", "cluster"), "slurmdbd")

    def wait_for_nodes(self) -> None:
        """Until all nodes can take jobs."""
        ready = {"idle", "mixed", "allocated", "completing"}
        states = lambda: output("sinfo", "-h", "-N", "-o", "%T").split()  # noqa: E731
        wait_for(lambda: bool(states()) and set(states()) <= ready, "the nodes")

    @contextmanager
    def without(self, daemon: str) -> Iterator[None]:
        """For a while, slurmctld or slurmdbd is not there."""
        self.end(daemon)
        try:
            yield
        finally:
            {"slurmctld": self.start_controller, "slurmdbd": self.start_accounting}[daemon]()

    def jobs(self, *options: str) -> list[str]:
        """Ids of jobs that run, as squeue selects them."""
        return output("squeue", "-h", "-t", "running", "-o", "%A", *options).split()

    def steps(self) -> list[str]:
        """Ids of the steps that srun has begun in jobs."""
        steps = output("squeue", "-h", "--steps", "-o", "%i").split()
        return [step for step in steps if step.rpartition(".")[2].isdigit()]

    def accounts(self, run_id: str, *fields: str) -> list[tuple[str, ...]]:
        """Fields of all jobs of a Snakemake run, once slurmdbd has heard that all have ended."""
        jobs = ("sacct", "-nPXD", "--starttime", "now-1days", "--name", run_id, "-o")
        going = {"PENDING", "RUNNING", "SUSPENDED"}
        states = lambda: set(output(*jobs, "State").splitlines())  # noqa: E731
        wait_for(lambda: bool(states()) and not states() & going, "the end of jobs", 1800)
        rows = output(*jobs, ",".join(fields)).splitlines()
        return [tuple(row.split("|")) for row in rows]

    def _configure(self) -> None:
        names = ("controller", "accounting", "database", "c1", "g1")
        facts = {name: PORT + number for number, name in enumerate(names)}
        facts |= {"folder": self.folder, "host": socket.gethostname().split(".")[0]}
        for number, device in enumerate(("/dev/null", "/dev/zero")):
            (self.folder / f"gpu{number}").symlink_to(device)
        texts = {"slurm.conf": SLURM, "gres.conf": GRES, "cgroup.conf": CGROUP}
        ETC.mkdir(exist_ok=True)
        for name, text in texts.items():
            (self.folder / name).write_text(text.format(**facts))
            (ETC / name).unlink(missing_ok=True)
            (ETC / name).symlink_to(self.folder / name)
        accounting = self.folder / "slurmdbd.conf"
        accounting.write_text(SLURMDBD.format(**facts))
        accounting.chmod(0o600)
        self.database_port = facts["database"]

    def _start_munge(self) -> None:
        munge = self.folder / "munge"
        munge.chmod(0o711)
        (munge / "key").write_bytes(os.urandom(1024))
        (munge / "key").chmod(0o400)
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "seed-file": "seed"}
        files["log-file"] = "log"
        options = [f"--{option}={munge / name}" for option, name in files.items()]
        self._daemon("munged", "munged", "--foreground", "--force", *options)
        wait_for((munge / "socket").exists, "munged")

    def _start_database(self) -> None:
        data, door = self.folder / "database" / "data", self.folder / "database" / "socket"
        plain = ("--no-defaults", "--user=root", f"--datadir={data}")
        made = ("--skip-test-db", "--auth-root-authentication-method=normal")
        subprocess.run(["mariadb-install-db", *plain, *made], check=True, capture_output=True)
        frugal = ("--skip-log-bin", "--performance-schema=OFF", "--innodb-buffer-pool-size=64M")
        frugal += ("--innodb-flush-log-at-trx-commit=0", "--innodb-lock-wait-timeout=900")
        address = (f"--socket={door}", "--bind-address=127.0.0.1", f"--port={self.database_port}")
        self._daemon("mariadbd", "mariadbd", *plain, *frugal, *address)
        client = ("mariadb", "--no-defaults", "-uroot", "-S", door, "-e")
        wait_for(lambda: output(*client, "select 1") != "", "MariaDB")
        subprocess.run(list(map(str, (*client, ACCOUNTS))), check=True)

    def _daemon(self, name: str, *command: str) -> None:
        environment = {**os.environ, "SLURM_CONF": str(ETC / "slurm.conf")}
        if command[0] == "slurmdbd":
            environment["SLURM_CONF"] = str(self.folder / "slurmdbd.conf")
        with open(self.folder / "log" / f"{name}.out", "ab") as log:
            self.running[name] = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
