"""LAMOST's catalogues and files -> one table of spectra; every cut is counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.labels.vocabulary import PARAMETERS
from spectralm.schemas import CATALOGUE, REJECTS, schema
from spectralm.surveys.cuts import Cells, Cuts, is_null, names_of_set, with_prefix
from spectralm.surveys.headers import HeaderCache
from spectralm.surveys.lamost import class_of, read_catalogues
from spectralm.surveys.matching import UNREADABLE, match
from spectralm.surveys.options import LamostCuts
from spectralm.surveys.stars import star_ids

LABELS = tuple(label.name for label in PARAMETERS)
BANDS = ("snrr", "snri")
#: Labels are the same if they differ by no more: text and float32 are rounded.
RELATIVE, ABSOLUTE = 1e-5, 5e-4


@dataclass(frozen=True)
class Built:
    """The table of spectra, and everything that is not in it."""

    catalogue: pa.Table
    """Columns CATALOGUE, sorted by obsid."""
    rejects: pa.Table
    """Columns REJECTS: each row that is cut and each file without a row."""
    cuts: pa.Table
    """Columns reason, rows_before, rows_cut, rows_left, in the order of the cuts."""


def build_catalogue(catalogues: Sequence[Path], files: pa.Table, options: LamostCuts) -> Built:
    """Read catalogues, find the file of each row, apply the cuts and identify stars.

    Args:
        catalogues: LAMOST stellar catalogues, FITS or text.
        files: columns FILES.
        options: limits of the cuts.

    Raises:
        InputError: a catalogue cannot be used, no row has a file, or no row is left.
    """
    rows = read_catalogues(catalogues)
    cuts = Cuts(rows.table, rows.unreadable)
    names = pa.array([path.name for path in catalogues])
    _cut_repeats(cuts, names)
    headers = HeaderCache()
    file_rejects = _find_files(cuts, files, headers, catalogues)
    _cut_other_classes(cuts)
    _cut_without_labels(cuts)
    _fill_snr(cuts, headers)
    _cut_low_snr(cuts, options)
    _cut_unidentified(cuts)
    if not cuts.table.num_rows:
        counts = ", ".join(f"{count.reason}: {count.cut}" for count in cuts.counts if count.cut)
        raise InputError(
            ", ".join(map(str, catalogues)),
            "rows",
            f"all cut ({counts})",
            "correct the first cause",
        )
    table = cuts.table.append_column("star_id", star_ids(cuts.table, options.star_radius_arcsec))
    table = table.append_column("source", names.take(table["catalogue"].combine_chunks()))
    catalogue = table.select([column.name for column in CATALOGUE]).sort_by("obsid")
    return Built(
        catalogue.cast(schema(CATALOGUE)),
        pa.concat_tables([*cuts.rejects, file_rejects]).cast(schema(REJECTS)),
        cuts.counts_table(),
    )


def _cut_repeats(cuts: Cuts, names: pa.Array) -> None:
    """Keep one row per obsid (the first with all labels) and one per file name."""
    table = cuts.table
    obsid = table["obsid"].to_numpy()
    order = np.lexsort((is_null(*(table[label] for label in LABELS)), obsid))
    same = np.zeros(obsid.size, bool)
    same[1:] = obsid[order][1:] == obsid[order][:-1]
    first = order[np.maximum.accumulate(np.where(same, 0, np.arange(order.size)))]
    repeat, kept = np.empty_like(same), np.empty_like(order)
    repeat[order], kept[order] = same, first
    cuts.cut("obsid twice", repeat, lambda cut: _differences(table.take(kept[repeat]), cut, names))
    encoded = cuts.table["name"].combine_chunks().dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy()
    second = codes >= 0
    second[np.unique(codes, return_index=True)[1]] = False
    cuts.cut(
        "file name twice",
        second,
        lambda cut: with_prefix("another row also names ", cut["name"]),
    )


def _differences(kept: pa.Table, cut: pa.Table, names: pa.Array) -> Cells:
    """The details of rows with a repeated obsid: where the kept row is and how it differs."""
    differ = {
        label: ~np.isclose(
            kept[label].to_numpy(), cut[label].to_numpy(), RELATIVE, ABSOLUTE, equal_nan=True
        )
        for label in LABELS
    }
    subclasses = pc.fill_null(kept["subclass"], ""), pc.fill_null(cut["subclass"], "")
    differ["subclass"] = pc.not_equal(*subclasses).to_numpy()
    labels = names_of_set(differ)
    result = pc.if_else(pc.equal(labels, ""), "the same labels", with_prefix("another ", labels))
    source = with_prefix("kept the row of ", names.take(kept["catalogue"].combine_chunks()))
    return pc.binary_join_element_wise(source, result, ", which has ")


def _find_files(
    cuts: Cuts, files: pa.Table, headers: HeaderCache, catalogues: Sequence[Path]
) -> pa.Table:
    """Add each row's file, cut rows without one, and return the rejects of files without a row."""
    found = match(cuts.table, files, headers)
    missing = found.file < 0
    if missing.all():
        raise InputError(
            ", ".join(map(str, catalogues)),
            "rows",
            f"none of {missing.size:,} has a file among {files.num_rows:,} such as "
            f"{files['path'][0]}",
            "give the folders that hold these catalogues' spectra, named "
            "spec-LMJD-PLANID_spSPID-FIBERID.fits or OBSID.fits, gzipped or not",
        )
    path = files["path"].take(pa.array(found.file, mask=missing))
    cuts.table = cuts.table.append_column("path", path)
    cuts.cut(
        "no file found for it",
        missing,
        lambda cut: pc.coalesce(
            with_prefix("no file is of ", cut["name"]),
            with_prefix("no file is of obsid ", cut["obsid"]),
        ),
    )
    cuts.table = cuts.table.drop_columns("name")
    return found.rejects


def _cut_other_classes(cuts: Cuts) -> None:
    other = pc.fill_null(pc.not_equal(pc.utf8_upper(cuts.table["class"]), "STAR"), False)
    cuts.cut("not a star", other.to_numpy(), lambda cut: with_prefix("class ", cut["class"]))
    encoded = cuts.table["subclass"].combine_chunks().dictionary_encode()
    letters = pa.array(
        [class_of(subclass) for subclass in encoded.dictionary.to_pylist()], pa.string()
    )
    classes = letters.take(encoded.indices)
    cuts.table = cuts.table.drop_columns("class").append_column("class", classes)
    cuts.cut(
        "class not in AFGKM",
        is_null(cuts.table["class"]),
        lambda cut: with_prefix("subclass ", pc.fill_null(cut["subclass"], "missing")),
    )


def _cut_without_labels(cuts: Cuts) -> None:
    cuts.cut(
        "label missing",
        is_null(*(cuts.table[label] for label in LABELS)),
        lambda cut: with_prefix(
            "no ", names_of_set({label: is_null(cut[label]) for label in LABELS})
        ),
    )


def _fill_snr(cuts: Cuts, headers: HeaderCache) -> None:
    """Take S/N in r and i that the catalogue lacks from the headers of the files."""
    table = cuts.table
    lacking = is_null(*(table[band] for band in BANDS))
    found = headers.read(table["path"].filter(pa.array(lacking)).to_pylist())
    for band in BANDS:
        values = table[band].to_numpy().copy()
        in_header = np.array([getattr(header, band) for header in found], float)
        values[lacking] = np.where(np.isnan(values[lacking]), in_header, values[lacking])
        table = table.drop_columns(band).append_column(band, pa.array(values, from_pandas=True))
    unreadable = np.zeros(table.num_rows, bool)
    unreadable[lacking] = [header.error is not None for header in found]
    cuts.table = table
    cuts.cut(
        UNREADABLE,
        unreadable,
        lambda cut: pa.array([header.error for header in headers.read(cut["path"].to_pylist())]),
    )


def _cut_low_snr(cuts: Cuts, options: LamostCuts) -> None:
    for band, smallest in zip(BANDS, (options.smallest_snr_r, options.smallest_snr_i), strict=True):
        letter = band[-1]
        cuts.cut(
            f"no S/N in band {letter}",
            is_null(cuts.table[band]),
            lambda cut: pa.repeat("neither in the catalogue nor in the file's header", len(cut)),
        )
        cuts.cut(
            f"S/N in band {letter} too low",
            cuts.table[band].to_numpy() < smallest,
            partial(_below, band, smallest),
        )


def _below(band: str, smallest: float, rows: pa.Table) -> Cells:
    return pc.binary_join_element_wise(rows[band].cast(pa.string()), f"{smallest:g}", " is below ")


def _cut_unidentified(cuts: Cuts) -> None:
    table = cuts.table
    unidentified = is_null(table["ra"]) & is_null(table["gaia_source_id"]) & is_null(table["uid"])
    cuts.cut(
        "no position and no id",
        unidentified,
        lambda cut: pa.repeat("nothing tells which star it is of", len(cut)),
    )
