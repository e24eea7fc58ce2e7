"""The catalogue of a high-resolution survey -> a table of stars, the same for every survey."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.files import write_parquet
from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS
from spectralm.rejects import write_rejects
from spectralm.schemas import REJECTS, STARS, schema
from spectralm.surveys.cells import position, to_float, to_gaia, to_int, to_text, unreadable_cells
from spectralm.surveys.cuts import Cells, Cuts, is_null, with_prefix, write_counts
from spectralm.surveys.tables import choose_columns, open_table

STAGE = "read_survey"
LABELS = tuple(label.name for label in (*PARAMETERS, *ABUNDANCES))
ELEMENTS = tuple(label.name for label in ABUNDANCES)
#: Fainter G magnitudes are codes for missing values.
FAINTEST = 30.0

#: Columns, in lower case, that identify a file's release; the first that fits is used.
RELEASES = (
    ("SDSS-V (DR18 or later)", {"sdss_id"}),
    ("APOGEE DR17", {"aspcapflag", "gaiaedr3_source_id"}),
    ("APOGEE DR14 or older", {"aspcapflag", "y_fe"}),
    ("APOGEE DR16", {"aspcapflag", "gaia_source_id"}),
    ("GALAH DR4", {"snr_px_ccd3"}),
    ("GALAH DR3", {"snr_c3_iraf"}),
    ("GALAH DR2", {"flag_cannon"}),
    ("Gaia-ESO", {"ges_fld"}),
    ("LAMOST", {"obsid", "planid"}),
)


@dataclass(frozen=True)
class Cut:
    """A quality cut: rows whose cell in a column is bad or missing are not used."""

    reason: str
    column: str
    """Our name of the column; an integer column unless it is one of STARS."""
    bad: Callable[[np.ndarray], np.ndarray]
    """From values [rows] to a mask [rows]."""


@dataclass(frozen=True)
class Survey:
    """How the file of one survey is read."""

    release: str
    """As in RELEASES."""
    file: str
    """The file that error messages ask for."""
    names: Mapping[str, tuple[str, ...]]
    """For each of our columns, the names it may have in the file, in lower case. Besides STARS,
    there may be ``{label}_flag``, which must be 0 for the label to be valid, and columns of
    cuts."""
    optional: tuple[str, ...]
    """Our columns that a file may lack."""
    epoch: float
    """Julian year of the positions."""
    gaia_release: str | None
    """The release of the Gaia ids, None if there are none."""
    cuts: tuple[Cut, ...]
    useful: tuple[str, ...]
    """A star must have at least one of these labels."""
    convert: Callable[[Path, pa.Table], pa.Table] = lambda path, table: table
    """Converts the labels of all rows of a file to our scale."""

    @property
    def integers(self) -> tuple[str, ...]:
        """Our columns that hold integers: flags."""
        return tuple(n for n in self.names if n.endswith("_flag") or n in self._cut_columns)

    @property
    def _cut_columns(self) -> set[str]:
        return {cut.column for cut in self.cuts} - {column.name for column in STARS}


@dataclass(frozen=True)
class Stars:
    """The stars of a survey, each once, and the rows that are cut."""

    stars: pa.Table
    """Columns STARS, sorted by survey_id."""
    rejects: pa.Table
    """Columns REJECTS; the detail begins with the survey's id of the star."""
    cuts: pa.Table
    """Columns reason, rows_before, rows_cut, rows_left, in the order of the cuts."""


def read_stars(path: Path, survey: Survey) -> Stars:
    """Read a survey's catalogue: apply its cuts, drop flagged labels and keep each star once.

    Among several entries of a star (with the same id of the survey or of Gaia) the one with the
    highest S/N is kept; if these are equal, the first.

    Raises:
        InputError: the file is of another survey or release, a needed column is missing, the
            Gaia ids were stored as float64, or no row is left.
    """
    table, unreadable = _read(path, survey)
    cuts = Cuts(survey.convert(path, _without_flagged(table)), unreadable, STAGE)
    cuts.cut("no id", is_null(cuts.table["survey_id"]), partial(_detail, "no id"))
    for cut in survey.cuts:
        cells = cuts.table[cut.column]
        bad = is_null(cells) | cut.bad(pc.fill_null(cells, 0).to_numpy())
        cuts.cut(cut.reason, bad, partial(_cell_detail, cut.column))
    nowhere = is_null(cuts.table["ra"]) & is_null(cuts.table["gaia_source_id"])
    cuts.cut("no position and no Gaia id", nowhere, partial(_detail, "nowhere on the sky"))
    empty = np.logical_and.reduce([is_null(cuts.table[label]) for label in survey.useful])
    kind = "element" if survey.useful == ELEMENTS else "label"
    cuts.cut(f"no valid {kind}", empty, partial(_detail, f"not one {kind} is valid"))
    for column in ("survey_id", "gaia_source_id"):
        repeated = _repeated_entries(cuts.table, column)
        cuts.cut("second entry of a star", repeated, partial(_cell_detail, column))
    if not cuts.table.num_rows:
        counts = ", ".join(f"{count.reason}: {count.cut}" for count in cuts.counts if count.cut)
        raise InputError(path, "rows", f"all cut ({counts})", f"give {survey.file}")
    stars = cuts.table.select([column.name for column in STARS]).sort_by("survey_id")
    rejects = pa.concat_tables(cuts.rejects).cast(schema(REJECTS))
    return Stars(stars.cast(schema(STARS)), rejects, cuts.counts_table())


def write_stars(stars: Stars, out: Path, rejects: Path, cuts: Path) -> None:
    """Write the stars and the rejects (Parquet) and the counts of the cuts (CSV)."""
    write_parquet(out, stars.stars)
    write_rejects(rejects, stars.rejects)
    write_counts(stars.cuts, cuts)
    logging.info("%d stars", stars.stars.num_rows)


def _columns(path: Path, in_file: Sequence[str], survey: Survey) -> dict[str, str]:
    """Our names of the columns in a survey's file, with their names there."""
    release = next((name for name, marks in RELEASES if marks <= set(in_file)), None)
    if release not in (None, survey.release):
        raise InputError(
            path, "columns", f"those of {release}, not of {survey.release}", f"give {survey.file}"
        )
    needed = [(name,) for name in survey.names if name not in survey.optional]
    return choose_columns(path, in_file, survey.names, needed, f"give {survey.file}")


def _read(path: Path, survey: Survey) -> tuple[pa.Table, pa.Table]:
    """All rows that can be read, and the details of those that cannot."""
    tables, details = [], []
    with open_table(path) as file:
        for batch in file.batches(_columns(path, file.names, survey)):
            table, detail = _converted(path, batch, survey)
            good = pc.is_null(detail)
            tables.append(table.filter(good))
            details += detail.drop_null().to_pylist()
        details += [f"a line of {line}" for line in file.ragged]
    if not any(table.num_rows for table in tables):
        found = f"none can be read: {details[0]}" if details else "none"
        raise InputError(path, "rows", found, f"give {survey.file}")
    return pa.concat_tables(tables), pa.table({"detail": pa.array(details, pa.string())})


def _converted(path: Path, batch: pa.Table, survey: Survey) -> tuple[pa.Table, pa.ChunkedArray]:
    """Columns STARS, flags and those of cuts; and what is unreadable in each row, else null."""
    columns, broken = {}, {}
    for name in batch.column_names:
        if name == "survey_id":
            columns[name] = _ids(path, batch[name])
        elif name == "gaia_source_id":
            columns[name], broken[name] = to_gaia(batch[name], path)
        elif name in survey.integers:
            columns[name], broken[name] = to_int(batch[name])
        else:
            columns[name], broken[name] = to_float(batch[name])
    for column in STARS:
        if column.name not in columns:
            columns[column.name] = pa.chunked_array([pa.nulls(len(batch), column.type)])
    columns |= position(columns["ra"], columns["dec"])
    bright = pc.less(columns["gmag"], FAINTEST)
    columns["gmag"] = pc.if_else(bright, columns["gmag"], None)
    columns["epoch"] = pa.chunked_array([pa.repeat(survey.epoch, len(batch))])
    release = pa.repeat(pa.scalar(survey.gaia_release, pa.string()), len(batch))
    columns["gaia_release"] = pc.if_else(pc.is_valid(columns["gaia_source_id"]), release, None)
    table = pa.table(columns)
    detail = unreadable_cells(batch, broken)
    return table, pc.if_else(pc.is_null(detail), None, _detail(detail, table))


def _ids(path: Path, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        raise InputError(
            path, "ids of stars", "decimal numbers", "export them again as text or as int64"
        )
    return to_text(column)


def _without_flagged(table: pa.Table) -> pa.Table:
    """The table with null labels where their flag is set or missing."""
    for name in LABELS:
        if f"{name}_flag" in table.column_names:
            good = pc.equal(table[f"{name}_flag"], 0)
            index = table.column_names.index(name)
            table = table.set_column(index, name, pc.if_else(good, table[name], None))
    return table


def _repeated_entries(table: pa.Table, column: str) -> np.ndarray:
    """[rows] Whether another row of the star has a higher S/N or, if equal, comes first."""
    codes = pc.fill_null(table[column].combine_chunks().dictionary_encode().indices, -1).to_numpy()
    order = np.lexsort((-pc.fill_null(table["snr"], -1).to_numpy(), codes))
    repeated = np.zeros(codes.size, bool)
    repeated[order[1:]] = codes[order[1:]] == codes[order[:-1]]
    return repeated & (codes >= 0)


def _detail(text: str | Cells, rows: pa.Table) -> Cells:
    """The star's id and a text, for each row."""
    names = pc.coalesce(rows["survey_id"], pa.scalar("a row without id"))
    return pc.binary_join_element_wise(names, text, ": ")


def _cell_detail(column: str, rows: pa.Table) -> Cells:
    """The star's id and its cell in a column, for each row."""
    cells = pc.coalesce(rows[column].cast(pa.string()), pa.scalar("missing"))
    return _detail(with_prefix(f"{column} is ", cells), rows)
