"""A linear model trained on LAMOST files of synthetic stars, with its training domain."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from fitsmaker import coadd_file, file_name

from spectralm.cli import main
from spectralm.labels.vocabulary import CLASSES
from spectralm.samples.manifest import write_manifest
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.shards import resample_manifest, write_spectra

OPTIONS = SpectraOptions(normalise="continuum")
#: Grid points in each of the model's pixels.
WIDTH = 50


@dataclass(frozen=True)
class Trained:
    """A run's folder, the files that it was trained on, and their labels and spectra."""

    folder: Path
    files: list[Path]
    stars: pa.Table
    sample: Path
    """The manifest, with the labels."""
    spectra: Path
    """The shard of spectra."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Trained:
    """A run trained on 150 stars with Teff from 4000 to 9000 K and S/N from 20 to 100.

    Every third spectrum has a run of masked pixels.
    """
    folder = tmp_path_factory.mktemp("own")
    random = np.random.default_rng(5)
    count = 150
    teff, logg = random.uniform(4000, 9000, count), random.uniform(1, 5, count)
    feh, snr = random.uniform(-2, 0.4, count), random.uniform(20, 100, count)
    files = []
    for number in range(count):
        path = folder / "files" / file_name(55859, "F5902", 1, number + 1)
        star = {"teff": teff[number], "logg": logg[number], "feh": feh[number]}
        first, pixels = random.integers(100, 3700), random.integers(1, 30)
        masked = range(first, first + pixels) if number % 3 == 0 else ()
        files.append(coadd_file(path, obsid=number + 1, snr=snr[number], masked=masked, **star))
    stars = pa.table(
        {
            "obsid": np.arange(1, count + 1),
            "path": [str(path) for path in files],
            "z": np.zeros(count),
            **dict.fromkeys(("snrg", "snrr", "snri"), 1.5 * snr),
            "split": (["train"] * 3 + ["validation", "test"]) * (count // 5),
            "class": np.array(CLASSES[:4])[np.clip((9000 - teff) // 1250, 0, 3).astype(int)],
            "teff": teff,
            "logg": logg,
            "feh": feh,
        }
    )
    sample, spectra = folder / "samples" / "0000.parquet", folder / "spectra" / "0000.parquet"
    write_manifest(sample, stars)
    table, refused = resample_manifest(stars, OPTIONS)
    assert not refused
    write_spectra(spectra, table, OPTIONS)
    run = folder / "results" / "models" / "ridge-lamost-150"
    shards = ["--samples", str(sample), "--spectra", str(spectra)]
    given = ["--targets", "parameters", "--workspaces", str(folder / "workspaces")]
    given += ["--options", f'{{"kind": "ridge", "bin": {WIDTH}}}']
    assert main(["train-baseline", *shards, *given, "--out", str(run)]) == 0
    described = run / "training_domain.safetensors"
    assert (
        main(["describe-training", *shards, "--targets", "parameters", "--out", str(described)])
        == 0
    )
    return Trained(run, files, stars, sample, spectra)
