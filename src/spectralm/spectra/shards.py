"""Resamples the spectra of a manifest into a table, and lists those that are refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from spectralm.files import write_parquet
from spectralm.progress import progress
from spectralm.rejects import Reject
from spectralm.schemas import SPECTRA, schema
from spectralm.spectra.flags import FLAGS
from spectralm.spectra.options import SpectraOptions
from spectralm.spectra.pixels import Pixels
from spectralm.spectra.reader import read_spectrum
from spectralm.spectra.refusals import SpectrumRefusedError
from spectralm.spectra.resample import Resampled, resample

STAGE = "resample_spectra"


def resample_manifest(manifest: pa.Table, options: SpectraOptions) -> tuple[pa.Table, list[Reject]]:
    """Read and resample every spectrum of a manifest.

    Args:
        manifest: columns obsid, path (relative to the working directory), z, snrg, snrr, snri.
        options: of mask, normalisation and grid.

    Returns:
        A table of columns :data:`~spectralm.schemas.SPECTRA` in the order of the manifest, with
        flux lists of ``options.size``; and a reject for each spectrum that is not in it.
    """
    columns = ["obsid", "path", "z", "snrg", "snrr", "snri"]
    flux = np.empty((manifest.num_rows, options.size), dtype=np.int16)
    masked = np.empty(flux.shape, dtype=bool)
    rows: list[dict] = []
    rejects = []
    for row in progress(manifest.select(columns).to_pylist(), manifest.num_rows, "spectra"):
        path = row.pop("path")
        try:
            spectrum = _resample_row(row["obsid"], path, row.pop("z"), options)
        except SpectrumRefusedError as error:
            rejects.append(Reject(row["obsid"], path, STAGE, error.reason, str(error)))
            continue
        flux[len(rows)], masked[len(rows)] = spectrum.flux, spectrum.masked
        rows.append(row | {"flags": spectrum.flags, "masked_fraction": spectrum.masked_fraction})
    return _table(rows, Pixels(flux[: len(rows)], masked[: len(rows)])), rejects


def write_spectra(path: Path, table: pa.Table, options: SpectraOptions) -> None:
    """Write a spectra table, less than 4 kB a spectrum, with the options in its metadata."""
    write_parquet(
        path,
        table,
        metadata={"options": options.model_dump_json()},
        compression_level=3,
        use_dictionary=False,
        write_statistics=False,
        row_group_size=1024,
        column_encoding={"flux.list.element": "DELTA_BINARY_PACKED"},
    )


def flag_counts(table: pa.Table) -> dict[str, int]:
    """How many spectra have each quality flag."""
    flags = table["flags"].to_numpy()
    return {flag.name: int(np.count_nonzero(flags & flag.value)) for flag in FLAGS}


def _resample_row(
    obsid: int, path: str | None, redshift: float | None, options: SpectraOptions
) -> Resampled:
    if path is None:
        raise SpectrumRefusedError("no_path", obsid, "path", "missing", "fetch the spectrum")
    spectrum = read_spectrum(Path(path))
    if spectrum.obsid not in (None, obsid):
        raise SpectrumRefusedError(
            "obsid_mismatch",
            path,
            "OBSID",
            f"{spectrum.obsid} in the file, {obsid} in the manifest",
            "correct the file's name or place",
        )
    return resample(spectrum, options, redshift)


def _table(rows: list[dict], pixels: Pixels) -> pa.Table:
    columns = pixels.columns()
    types = schema(SPECTRA)
    for name, column in columns.items():
        position = types.get_field_index(name)
        types = types.set(position, types.field(position).with_type(column.type))
    columns |= {
        name: pa.array([row[name] for row in rows], types.field(name).type)
        for name in types.names
        if name not in columns
    }
    return pa.table([columns[name] for name in types.names], schema=types)
