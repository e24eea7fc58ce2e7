"""A disk that is full while a shard is written: no half file is ever taken for a whole one."""

import errno
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fitsmaker import coadd_file

from spectralm.cli import main
from spectralm.language.options import TextOptions
from spectralm.samples.manifest import write_manifest
from spectralm.spectra.options import SpectraOptions

OPTIONS = SpectraOptions().model_dump_json()
STARS = 24


@pytest.fixture
def disk(tmp_path) -> Iterator[Callable[[int], Path]]:
    """A function that gives a disk so many kB, and its folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", folder]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small disk: mounting a tmpfs needs root")

    def grow(kilobytes: int) -> Path:
        option = f"remount,size={kilobytes}k"
        subprocess.run(["mount", "-o", option, folder], check=True, capture_output=True)
        return folder

    yield grow
    subprocess.run(["umount", folder], check=True)


@pytest.fixture
def sample(tmp_path) -> Path:
    """The manifest of some noisy spectra, a third of them in each split."""
    random = np.random.default_rng(0)
    paths = [
        coadd_file(tmp_path / f"{obsid}.fits", obsid=obsid, flux=random.uniform(1, 2, 3909))
        for obsid in range(STARS)
    ]
    floats = {"z": 0.0, "snrg": 50.0, "snrr": 50.0, "snri": 50.0}
    floats |= {"teff": 5000.0, "logg": 4.0, "feh": 0.0}
    table = pa.table(
        {
            "obsid": pa.array(range(STARS), pa.int64()),
            "path": list(map(str, paths)),
            "class": ["G"] * STARS,
            "split": ["train", "validation", "test"] * (STARS // 3),
            **{name: pa.array([value] * STARS, pa.float64()) for name, value in floats.items()},
        }
    )
    write_manifest(tmp_path / "sample.parquet", table)
    return tmp_path / "sample.parquet"


def resample(sample: Path, folder: Path) -> list[Path]:
    """Run the command of the rule; the files that it should write."""
    files = [folder / "spectra.parquet", folder / "spectra.rejects.parquet"]
    given = ["--sample", sample, "--options", OPTIONS, "--out", files[0], "--rejects", files[1]]
    assert main(["resample-spectra", *map(str, given)]) == 0
    return files


def write_questions(sample: Path, folder: Path) -> list[Path]:
    """Run the command of the rule, on spectra that are there; the files that it should write."""
    splits = ("train", "validation", "test")
    files = [folder / f"{split}.jsonl.gz" for split in splits]
    rejects = folder / "questions.rejects.parquet"
    given = ["--sample", sample, "--spectra", sample.parent / "whole" / "spectra.parquet"]
    given += [
        "--targets",
        "parameters",
        "--text",
        TextOptions().model_dump_json(),
        "--grid",
        OPTIONS,
    ]
    for split, file in zip(splits, files, strict=True):
        given += [f"--{split}", file]
    given += ["--rejects", rejects]
    assert main(["write-questions", *map(str, given)]) == 0
    return [*files, rejects]


def test_no_half_file_is_taken_for_a_whole_one(disk, sample, tmp_path):
    whole = {}
    for command in (resample, write_questions):
        whole |= {file.name: file.read_bytes() for file in command(sample, tmp_path / "whole")}
    needed = sum(map(len, whole.values())) // 1024
    failures = 0
    for share in np.linspace(0.1, 1.5, 12):
        folder = disk(int(share * needed))
        for command in (resample, write_questions):
            try:
                command(sample, folder)
            except OSError as error:
                if error.errno != errno.ENOSPC and "No space left" not in str(error):
                    raise
                failures += 1
            for file in folder.iterdir():
                assert file.read_bytes() == whole[file.name]
    assert failures >= 6
    assert {file.name for file in folder.iterdir()} == whole.keys()
