"""A high-resolution survey's catalogue -> one table of stars, every survey's alike."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.files import write_parquet
from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS
from spectralm.schemas import REJECTS, STARS, schema
from spectralm.surveys.cells import (
    position,
    to_float,
    to_gaia,
    to_int,
    to_text,
    unreadable_cells,
)
from spectralm.surveys.cuts import Cells, Cuts, is_null, told, write_counts
from spectralm.surveys.tables import choose_columns, open_table

STAGE = "read_survey"
LABELS = tuple(label.name for label in (*PARAMETERS, *ABUNDANCES))
ELEMENTS = tuple(label.name for label in ABUNDANCES)
#: Fainter G magnitudes stand for none.
FAINTEST = 30.0

#: Columns, in lower case, that tell whose file it is; the first that fits counts.
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
    """Rows of a survey that are not used: those whose cell in a column is bad or missing."""

    reason: str
    column: str
    """Ours; whole numbers but for those of STARS."""
    bad: Callable[[np.ndarray], np.ndarray]
    """[rows] of [rows]."""


@dataclass(frozen=True)
class Survey:
    """How one survey's file is read."""

    release: str
    """As in RELEASES."""
    file: str
    """What to ask a user for."""
    names: Mapping[str, tuple[str, ...]]
    """By our column, the names that it may have in the file, in lower case. Besides STARS, there
    may be ``{label}_flag``, which must be 0 for the label to be valid, and columns of cuts."""
    optional: tuple[str, ...]
    """Ours that a file may lack."""
    epoch: float
    """Julian year of the positions."""
    gaia_release: str | None
    """Of the Gaia ids, None where there are none."""
    cuts: tuple[Cut, ...]
    useful: tuple[str, ...]
    """Labels of which a star must have one."""
    convert: Callable[[Path, pa.Table], pa.Table] = lambda path, table: table
    """Brings labels to our scale; sees all rows of a file."""

    @property
    def whole(self) -> tuple[str, ...]:
        """Ours that hold whole numbers: flags."""
        return tuple(n for n in self.names if n.endswith("_flag") or n in self._cut_columns)

    @property
    def _cut_columns(self) -> set[str]:
        return {cut.column for cut in self.cuts} - {column.name for column in STARS}


@dataclass(frozen=True)
class Stars:
    """The stars of a survey, each once, and everything that is not among them."""

    stars: pa.Table
    """Columns STARS, sorted by survey_id."""
    rejects: pa.Table
    """Columns REJECTS; the detail begins with the survey's id of the star."""
    cuts: pa.Table
    """Columns reason, rows_before, rows_cut, rows_left, in the order of cutting."""


def read_stars(path: Path, survey: Survey) -> Stars:
    """Read a survey's catalogue: its quality cuts, the labels that its flags allow, each star once.

    Of several entries of a star (the same id of the survey or of Gaia) the one with the highest S/N
    stays, of equals the first.

    Raises:
        InputError: not this survey's file, not of this release, a needed column is not there, the
            Gaia ids went through float64, or no row survives.
    """
    table, unreadable = _read(path, survey)
    cuts = Cuts(survey.convert(path, _without_flagged(table)), unreadable, STAGE)
    cuts.cut("no id", is_null(cuts.table["survey_id"]), lambda cut: _said(cut, "no id"))
    for cut in survey.cuts:
        cells = cuts.table[cut.column]
        bad = is_null(cells) | cut.bad(pc.fill_null(cells, 0).to_numpy())
        cuts.cut(cut.reason, bad, lambda rows, name=cut.column: _said(rows, name, rows[name]))
    nowhere = is_null(cuts.table["ra"]) & is_null(cuts.table["gaia_source_id"])
    cuts.cut("no position and no Gaia id", nowhere, lambda rows: _said(rows, "nowhere on the sky"))
    empty = np.logical_and.reduce([is_null(cuts.table[label]) for label in survey.useful])
    kind = "element" if survey.useful == ELEMENTS else "label"
    cuts.cut(f"no valid {kind}", empty, lambda rows: _said(rows, f"not one {kind} is valid"))
    for column in ("survey_id", "gaia_source_id"):
        second = _second_entries(cuts.table, column)
        cuts.cut("second entry of a star", second, lambda rows, c=column: _said(rows, c, rows[c]))
    if not cuts.table.num_rows:
        why = ", ".join(f"{count.reason}: {count.cut}" for count in cuts.counts if count.cut)
        raise InputError(path, "rows", f"all cut ({why})", f"give {survey.file}")
    stars = cuts.table.select([column.name for column in STARS]).sort_by("survey_id")
    rejects = pa.concat_tables(cuts.rejects).cast(schema(REJECTS))
    return Stars(stars.cast(schema(STARS)), rejects, cuts.counted())


def write_stars(read: Stars, out: Path, rejects: Path, cuts: Path) -> None:
    """Write and log the stars, the rejects (Parquet) and the count of the cuts (CSV)."""
    write_parquet(out, read.stars)
    write_parquet(rejects, read.rejects)
    write_counts(read.cuts, cuts)
    logging.info("%d stars", read.stars.num_rows)


def choose(path: Path, there: Sequence[str], survey: Survey) -> dict[str, str]:
    """Our names of the columns of a survey's file, with its own.

    Raises:
        InputError: another survey's or another release's file, or a needed column is not there.
    """
    release = next((name for name, marks in RELEASES if marks <= set(there)), None)
    if release not in (None, survey.release):
        raise InputError(
            path, "columns", f"those of {release}, not of {survey.release}", f"give {survey.file}"
        )
    needed = [(name,) for name in survey.names if name not in survey.optional]
    return choose_columns(path, there, survey.names, needed, f"give {survey.file}")


def _read(path: Path, survey: Survey) -> tuple[pa.Table, pa.Table]:
    """All rows that can be read, and the details of those that cannot."""
    tables, details = [], []
    with open_table(path) as file:
        for batch in file.batches(choose(path, file.names, survey)):
            table, detail = _canonical(path, batch, survey)
            good = pc.is_null(detail)
            tables.append(table.filter(good))
            details += detail.drop_null().to_pylist()
        details += [f"a line of {line}" for line in file.ragged]
    if not any(table.num_rows for table in tables):
        found = f"none can be read: {details[0]}" if details else "none"
        raise InputError(path, "rows", found, f"give {survey.file}")
    return pa.concat_tables(tables), pa.table({"detail": pa.array(details, pa.string())})


def _canonical(path: Path, batch: pa.Table, survey: Survey) -> tuple[pa.Table, pa.ChunkedArray]:
    """Columns STARS, flags and those of cuts; and what is unreadable in each row, else null."""
    columns, broken = {}, {}
    for name in batch.column_names:
        if name == "survey_id":
            columns[name] = _ids(path, batch[name])
        elif name == "gaia_source_id":
            columns[name], broken[name] = to_gaia(batch[name], path)
        elif name in survey.whole:
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
    return table, pc.if_else(pc.is_null(detail), None, _said(table, detail))


def _ids(path: Path, column: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_floating(column.type):
        raise InputError(
            path, "ids of stars", "decimal numbers", "export them again as text or as int64"
        )
    return to_text(column)


def _without_flagged(table: pa.Table) -> pa.Table:
    """Labels null where their flag is set or missing."""
    for name in LABELS:
        if f"{name}_flag" in table.column_names:
            good = pc.equal(table[f"{name}_flag"], 0)
            place = table.column_names.index(name)
            table = table.set_column(place, name, pc.if_else(good, table[name], None))
    return table


def _second_entries(table: pa.Table, column: str) -> np.ndarray:
    """[rows] Whether another row of the same star has a higher S/N or, of equals, comes first."""
    codes = pc.fill_null(table[column].combine_chunks().dictionary_encode().indices, -1).to_numpy()
    order = np.lexsort((-pc.fill_null(table["snr"], -1).to_numpy(), codes))
    second = np.zeros(codes.size, bool)
    second[order[1:]] = codes[order[1:]] == codes[order[:-1]]
    return second & (codes >= 0)


def _said(rows: pa.Table, words: str | Cells, cells: Cells | None = None) -> Cells:
    """In each row the star's id, ``words`` and the cell."""
    if cells is not None:
        words = told(f"{words} is ", pc.coalesce(cells.cast(pa.string()), pa.scalar("missing")))
    names = pc.coalesce(rows["survey_id"], pa.scalar("a row without id"))
    return pc.binary_join_element_wise(names, words, ": ")
