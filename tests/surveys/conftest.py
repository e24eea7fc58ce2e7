"""Small catalogues and files from which tables are built."""

from pathlib import Path

import fitsmaker
import pyarrow as pa
import pytest

from spectralm.surveys.catalogue import Built, build_catalogue
from spectralm.surveys.index import index_files
from spectralm.surveys.options import LamostCuts

GOOD = {
    "obsid": "101001",
    "uid": "G1",
    "lmjd": "55859",
    "planid": "F5902",
    "spid": "1",
    "fiberid": "1",
    "snrg": "20.5",
    "snrr": "30.5",
    "snri": "40.5",
    "class": "STAR",
    "subclass": "G2",
    "z": "0.0001",
    "gaia_source_id": "605945363488930688",
    "gaia_g_mean_mag": "12.5",
    "ra": "332.5",
    "dec": "-2.1",
    "teff": "5777.12",
    "teff_err": "50.1",
    "logg": "4.438",
    "logg_err": "0.05",
    "feh": "-0.0123",
    "feh_err": "0.04",
}


class Survey:
    """A folder of files and a catalogue, which a test fills."""

    def __init__(self, folder: Path):
        self.spectra = folder / "spectra"
        self.spectra.mkdir()
        self.catalogue = folder / "catalogue.csv"
        self.rows: list[dict[str, str]] = []

    def add(self, number: int = 1, *, file: str | None = "spec", **cells: str) -> Path | None:
        """Add a good row with its own position, in which ``cells`` are replaced, and its file."""
        obsid, ids = 101000 + number, (605945363488930688 + 128 * number)
        row = {**GOOD, "obsid": str(obsid), "uid": f"G{number}", "gaia_source_id": str(ids)}
        row |= {"fiberid": str(number), "ra": str(100 + number / 10)} | cells
        self.rows.append(row)
        if file is None:
            return None
        spec = fitsmaker.file_name(55859, "F5902", 1, number)
        name = {"spec": spec, "obsid": f"{obsid}.fits"}.get(file, file)
        return self.file(name, obsid=obsid)

    def file(self, name: str, obsid: int | None = 1, **cards: object) -> Path:
        """Write a LAMOST file with few pixels."""
        return fitsmaker.coadd_file(self.spectra / name, obsid=obsid, pixels=8, cards=cards)

    def write(self, *without: str) -> Path:
        """Write the catalogue without some columns."""
        names = [name for name in GOOD if name not in without]
        lines = [",".join(row[name] for name in names) for row in self.rows]
        self.catalogue.write_text("\n".join([",".join(names), *lines]) + "\n")
        return self.catalogue

    def build(self, *without: str, **cuts: float) -> Built:
        """Build the table of spectra from the catalogue without some columns."""
        files = index_files([self.spectra])
        return build_catalogue([self.write(*without)], files, LamostCuts(**cuts))


@pytest.fixture
def survey(tmp_path: Path) -> Survey:
    """An empty survey."""
    return Survey(tmp_path)


@pytest.fixture
def rejected():
    """A function from a rejects table to (obsid or file name, reason) of each row."""

    def pairs(table: pa.Table) -> set[tuple[int | str, str]]:
        return {
            (row["obsid"] or Path(row["path"]).name, row["reason"]) for row in table.to_pylist()
        }

    return pairs
