"""A small sky, made once, and its tables from the first stages of the workflow."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from spectralm.cli import (
    assign_shards,
    build_catalogue,
    draw_shard,
    index_spectra,
    resample_spectra,
)
from spectralm.files import read_parquet
from spectralm.mock.make import make_sky
from spectralm.mock.options import SkyOptions
from spectralm.samples.options import SampleOptions
from spectralm.spectra.options import SpectraOptions
from spectralm.surveys.options import LamostCuts

OPTIONS = SkyOptions(stars=160, twice=0.2, thrice=0.1, old_layouts=0.15, damaged=8, seed=3)


@dataclass(frozen=True)
class Sky:
    """The folder of a sky, its true labels, and the tables of the first three stages."""

    folder: Path
    truth: pa.Table
    files: pa.Table
    catalogue: pa.Table
    rejects: pa.Table
    sample: pa.Table
    spectra: pa.Table
    refused: pa.Table

    def path(self, obsid: int) -> Path:
        """The file of a spectrum."""
        row = self.truth["obsid"].to_pylist().index(obsid)
        return self.folder / self.truth["path"][row].as_py()


@pytest.fixture(scope="session")
def sky(tmp_path_factory) -> Sky:
    """A sky of 160 stars, read like real files."""
    folder = tmp_path_factory.mktemp("sky")
    truth = make_sky(OPTIONS, folder)
    out = tmp_path_factory.mktemp("results")
    names = ("files", "catalogue", "rejects", "ranking", "sample", "spectra", "refused")
    paths = {name: out / f"{name}.parquet" for name in names}
    sample = SampleOptions(shard_size=500)
    index_spectra.run(folders=[folder / "lamost"], out=paths["files"])
    build_catalogue.run(
        files=paths["files"],
        catalogues=sorted(folder.glob("dr11_v1.1_LRS_*stellar.fits.gz")),
        options=LamostCuts(),
        out=paths["catalogue"],
        rejects=paths["rejects"],
        cuts=out / "cuts.csv",
    )
    assign_shards.run(catalogue=paths["catalogue"], options=sample, out=paths["ranking"])
    draw_shard.run(
        catalogue=paths["catalogue"],
        assignment=paths["ranking"],
        shard=0,
        options=sample,
        out=paths["sample"],
    )
    resample_spectra.run(
        sample=paths["sample"],
        options=SpectraOptions(),
        out=paths["spectra"],
        rejects=paths["refused"],
    )
    tables = {name: read_parquet(path) for name, path in paths.items() if name != "ranking"}
    return Sky(folder, truth, **tables)
