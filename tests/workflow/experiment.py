"""A whole experiment in a folder of its own: a copy of the code, a small sky, real Snakemake."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from astropy.table import Table
from fitsmaker import coadd_file, dr1_file, file_name, image_file

from spectralm.labels.vocabulary import SPECIES

#: Subclass and Teff of one star of each class.
STARS = {"A5": 8200.0, "F5": 6600.0, "G2": 5800.0, "K3": 4700.0, "dM2": 3600.0}
LAYOUTS = (coadd_file, coadd_file, image_file, dr1_file)


def make_sky(folder: Path, per_class: int) -> None:
    """Write LAMOST files of every layout and a catalogue that names them by night and fibre."""
    random = np.random.default_rng(0)
    lines = ["obsid,lmjd,planid,spid,fiberid,class,subclass,teff,logg,feh,snrr,snri,ra,dec,z"]
    for number in range(per_class * len(STARS)):
        subclass, middle = list(STARS.items())[number % len(STARS)]
        teff = middle + random.uniform(-200, 200)
        logg, feh = random.uniform(3.5, 4.8), random.uniform(-1, 0.4)
        obsid, fiberid = 101000001 + number, 1 + number
        place = {"lmjd": 55859, "planid": "F5902", "spid": 1, "fiberid": fiberid}
        write = LAYOUTS[number % len(LAYOUTS)]
        path = folder / "spectra" / file_name(**place)
        write(path, obsid=obsid, teff=teff, logg=logg, feh=feh, **place)
        labels = f"{teff:.2f},{logg:.3f},{feh:.3f}"
        sky = f"50.0,60.0,{10 + 0.1 * number:.4f},20.0,-9999.0"
        lines.append(f"{obsid},55859,F5902,1,{fiberid},STAR,{subclass},{labels},{sky}")
    (folder / "catalogue.csv").write_text("\n".join(lines) + "\n")


def make_apogee(folder: Path, stars: int) -> None:
    """Write APOGEE's catalogue of all but the first three of a sky's stars; none has cerium."""
    random = np.random.default_rng(1)
    places = 10 + 0.1 * np.arange(3, stars)
    nothing = np.zeros(len(places), "i8")
    columns = dict.fromkeys(("ASPCAPFLAG", "EXTRATARG", "GAIA_SOURCE_ID", "FE_H_FLAG"), nothing)
    columns |= {"APOGEE_ID": np.array([f"2M{place:.1f}" for place in places])}
    columns |= {"RA": places, "DEC": nothing + 20.0}
    for name in ("SNR", "TEFF", "LOGG", "FE_H", *(f"{species}_FE" for species in SPECIES)):
        columns[name] = random.uniform(-0.5, 0.5, len(places)).astype("f4")
    columns |= {f"{species}_FE_FLAG": nothing + (species == "CE") for species in SPECIES}
    Table(columns).write(folder / "allStar.fits")


@dataclass(frozen=True)
class Experiment:
    """A folder with the code and a config; runs Snakemake there."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, repository: Path, config: Mapping) -> "Experiment":
        """Copy the code that a user has, and write the config beside it."""
        for name in ("Snakefile", "src", "workflow", "config"):
            copy = shutil.copytree if (repository / name).is_dir() else shutil.copy
            copy(repository / name, folder / name)
        published = Path("resources", "published")
        shutil.copytree(repository / published, folder / published)
        nothing = {"catalogue": None}
        others = dict.fromkeys(("apogee", "galah", "gaia_eso"), nothing)
        shard = config["samples"]["shard_size"]
        full = dict(config)
        full["surveys"] = others | config["surveys"]
        full["samples"] = {"external": shard} | config["samples"]
        (folder / "mine.yaml").write_text(yaml.safe_dump(full))
        return cls(folder)

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake with the copied code; its output is one text."""
        return self._run("snakemake", "--configfile", "mine.yaml", "--cores", "2", *arguments)

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run a command of the copied code; its output is one text."""
        return self._run(sys.executable, "-m", "spectralm", *arguments)

    def _run(self, *command: str) -> subprocess.CompletedProcess:
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.folder / "src"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        return subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def run(self, *arguments: str) -> None:
        """Run to the end; a failure shows the failed jobs' logs."""
        done = self.snakemake("--show-failed-logs", *arguments)
        assert done.returncode == 0, done.stdout[-8000:]

    def to_do(self, *arguments: str) -> dict[str, int]:
        """What a run would do: jobs per rule (without the targets)."""
        done = self.snakemake("--dry-run", *arguments)
        assert done.returncode == 0, done.stdout[-8000:]
        if "Nothing to be done" in done.stdout:
            return {}
        stats = re.search(r"Job stats:\n.*?\n-.*?\n(.*?)\ntotal ", done.stdout, re.DOTALL)
        rows = (line.split() for line in stats[1].splitlines())
        return {rule: int(count) for rule, count in rows if rule not in ("all",)}

    def edit(self, path: str, old: str, new: str) -> None:
        """Change a file of the copied code; the old text must be there."""
        file = self.folder / path
        text = file.read_text()
        assert old in text, f"{path} has no {old!r}"
        file.write_text(text.replace(old, new))
