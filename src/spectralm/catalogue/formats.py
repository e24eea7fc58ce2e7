"""A catalogue as Parquet, FITS and VOTable: the same rows, units, UCDs and header in each.

The dex is not a unit in the FITS standard or VOUnits. In FITS and VOTable, columns in dex
therefore have no unit, and their description ends with "(dex)".
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from astropy.io import fits
from astropy.io.votable.tree import CooSys, Info, TableElement, VOTableFile
from astropy.table import MaskedColumn, Table

from spectralm.files import atomic, write_parquet
from spectralm.schemas import Column

FRAME, EPOCH = "ICRS", "J2000"
_FILLS = {"string": "", "double": np.nan, "float": np.nan, "int16": -1, "int32": -1, "int64": -1}
_FITS_CODES = {"double": "D", "float": "E", "int16": "I", "int32": "J", "int64": "K"}


@dataclass(frozen=True)
class Header:
    """Metadata of the table."""

    run: str
    weights: str
    """SHA-256 of the model's weights."""
    serializer: str
    """Name of the text format, and the hash of its options."""
    software: str
    """Name and version."""
    note: str
    """Note to the reader, for instance which spectra are in the table."""


def unit_of(column: Column) -> str | None:
    """The unit in FITS and VOTable; None for a column without one or in dex."""
    return None if column.unit in ("", "dex") else column.unit


def description_of(column: Column) -> str:
    """The description in FITS and VOTable."""
    return f"{column.description} (dex)" if column.unit == "dex" else column.description


def write_catalogue(
    rows: pa.Table, columns: tuple[Column, ...], header: Header, parquet: Path, fit: Path, vot: Path
) -> None:
    """Write a catalogue in three formats.

    Args:
        rows: The catalogue.
        columns: Its columns.
        header: Metadata of the table.
        parquet: Path of the Parquet file.
        fit: Path of the FITS file.
        vot: Path of the VOTable.
    """
    metadata = {**vars(header), "frame": FRAME, "epoch": EPOCH}
    write_parquet(parquet, rows, metadata)
    table = _astropy(rows, columns)
    with atomic(fit) as temporary:
        _fits(table, columns, header).writeto(temporary, overwrite=True, checksum=True)
    with atomic(vot) as temporary:
        _votable(table, header).to_xml(str(temporary), tabledata_format="binary2")


def _astropy(rows: pa.Table, columns: tuple[Column, ...]) -> Table:
    """Rows with masks, units, descriptions and UCDs."""
    table = Table()
    for column in columns:
        values = rows[column.name]
        fill = _FILLS[str(column.type)]
        table[column.name] = MaskedColumn(
            np.array(values.fill_null(fill).to_pylist(), _dtype(column)),
            mask=np.array(values.is_null()),
            fill_value=fill,
            unit=unit_of(column),
            description=description_of(column),
            meta={"ucd": column.ucd},
        )
    return table


def _dtype(column: Column) -> type:
    return str if column.type == pa.string() else column.type.to_pandas_dtype()


def _fits(table: Table, columns: tuple[Column, ...], header: Header) -> fits.HDUList:
    cells = [_fits_column(table[column.name], column) for column in columns]
    hdu = fits.BinTableHDU.from_columns(cells, name="CATALOGUE")
    for number, column in enumerate(columns, start=1):
        if column.ucd:
            hdu.header.set(f"TUCD{number}", column.ucd, after=f"TFORM{number}")
        hdu.header.set(f"TCOMM{number}", description_of(column), after=f"TFORM{number}")
    hdu.header["LONGSTRN"] = ("OGIP 1.0", "the long string convention may be used")
    hdu.header["RADESYS"] = (FRAME, "frame of ra and dec")
    hdu.header["EQUINOX"] = (2000.0, "[yr] epoch of the positions")
    hdu.header["RUN"] = header.run
    hdu.header["WEIGHTS"] = header.weights
    hdu.header["SERIAL"] = header.serializer
    hdu.header["CREATOR"] = header.software
    hdu.header["COMMENT"] = header.note
    return fits.HDUList([fits.PrimaryHDU(), hdu])


def _fits_column(values: MaskedColumn, column: Column) -> fits.Column:
    filled = values.filled()
    if column.type == pa.string():
        filled = np.char.encode(filled, "ascii", "replace")
        return fits.Column(column.name, f"{filled.itemsize}A", array=filled)
    kind = str(column.type)
    null = values.fill_value if kind.startswith("int") and values.mask.any() else None
    code, unit = _FITS_CODES[kind], unit_of(column)
    return fits.Column(column.name, code, unit, null=null, array=filled)


def _votable(table: Table, header: Header) -> VOTableFile:
    file = VOTableFile.from_table(table)
    resource = file.resources[0]
    frame = CooSys(ID="positions", system=FRAME, epoch=EPOCH)
    resource.coordinate_systems.append(frame)
    for name, value in vars(header).items():
        # Columns have their name as ID, and IDs must be unique in XML.
        resource.infos.append(Info(ID=f"info_{name}", name=name, value=value))
    element: TableElement = resource.tables[0]
    element.name = header.run
    element.description = header.note
    for field in element.fields:
        if field.name in ("ra", "dec"):
            field.ref = frame.ID
    return file
