"""LAMOST catalogues and files -> one canonical table of spectra, with every cut counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.labels.vocabulary import PARAMETERS
from spectralm.schemas import CATALOGUE, REJECTS, schema
from spectralm.surveys.cuts import Cells, Cuts, is_null, listed, told
from spectralm.surveys.headers import Headers
from spectralm.surveys.lamost import class_of, read_catalogues
from spectralm.surveys.matching import UNREADABLE, match
from spectralm.surveys.options import LamostCuts
from spectralm.surveys.stars import star_ids

LABELS = tuple(label.name for label in PARAMETERS)
BANDS = ("snrr", "snri")
#: Differences of a label that are only its spelling (text or float32), relative and absolute.
SAME = {"rtol": 1e-5, "atol": 5e-4}


@dataclass(frozen=True)
class Built:
    """The canonical table and everything that is not in it."""

    catalogue: pa.Table
    """Columns CATALOGUE, sorted by obsid."""
    rejects: pa.Table
    """Columns REJECTS: each cut row and each file that is no row's."""
    cuts: pa.Table
    """Columns reason, rows_before, rows_cut, rows_left, in the order of cutting."""


def build_catalogue(catalogues: Sequence[Path], files: pa.Table, options: LamostCuts) -> Built:
    """Read catalogues, find each row's file, cut, and say which spectra are of one star.

    Args:
        files: columns FILES.

    Raises:
        InputError: a catalogue is wrong, no row has a file, or no row survives the cuts.
    """
    rows = read_catalogues(catalogues)
    cuts = Cuts(rows.table, rows.unreadable)
    names = pa.array([path.name for path in catalogues])
    _cut_repeats(cuts, names)
    headers = Headers()
    lost_files = _find_files(cuts, files, headers, catalogues)
    _cut_other_classes(cuts)
    _cut_without_labels(cuts)
    _fill_snr(cuts, headers)
    _cut_low_snr(cuts, options)
    _cut_nowhere(cuts)
    if not cuts.table.num_rows:
        why = ", ".join(f"{count.reason}: {count.cut}" for count in cuts.counts if count.cut)
        raise InputError(
            ", ".join(map(str, catalogues)), "rows", f"all cut ({why})", "mend the first of these"
        )
    table = cuts.table.append_column("star_id", star_ids(cuts.table, options.star_radius_arcsec))
    table = table.append_column("source", names.take(table["catalogue"].combine_chunks()))
    catalogue = table.select([column.name for column in CATALOGUE]).sort_by("obsid")
    return Built(
        catalogue.cast(schema(CATALOGUE)),
        pa.concat_tables([*cuts.rejects, lost_files]).cast(schema(REJECTS)),
        cuts.counted(),
    )


def _cut_repeats(cuts: Cuts, names: pa.Array) -> None:
    """Keep one row per obsid (the first that has all labels) and one per file name."""
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
    cuts.cut("file name twice", second, lambda cut: told("another row also names ", cut["name"]))


def _differences(kept: pa.Table, cut: pa.Table, names: pa.Array) -> Cells:
    """What is said of rows whose obsid another row has: where that row is and how they differ."""
    differ = {
        label: ~np.isclose(kept[label].to_numpy(), cut[label].to_numpy(), equal_nan=True, **SAME)
        for label in LABELS
    }
    subclasses = pc.fill_null(kept["subclass"], ""), pc.fill_null(cut["subclass"], "")
    differ["subclass"] = pc.not_equal(*subclasses).to_numpy()
    labels = listed(differ)
    verdict = pc.if_else(pc.equal(labels, ""), "the same labels", told("another ", labels))
    source = names.take(kept["catalogue"].combine_chunks())
    return pc.binary_join_element_wise(told("kept the row of ", source), verdict, ", which has ")


def _find_files(
    cuts: Cuts, files: pa.Table, headers: Headers, catalogues: Sequence[Path]
) -> pa.Table:
    """Give each row its file and cut those without; the rejects of files without a row."""
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
            told("no file is of ", cut["name"]), told("no file is of obsid ", cut["obsid"])
        ),
    )
    cuts.table = cuts.table.drop_columns("name")
    return found.rejects


def _cut_other_classes(cuts: Cuts) -> None:
    other = pc.fill_null(pc.not_equal(pc.utf8_upper(cuts.table["class"]), "STAR"), False)
    cuts.cut("not a star", other.to_numpy(), lambda cut: told("class ", cut["class"]))
    encoded = cuts.table["subclass"].combine_chunks().dictionary_encode()
    letters = pa.array(
        [class_of(subclass) for subclass in encoded.dictionary.to_pylist()], pa.string()
    )
    ours = letters.take(encoded.indices)
    cuts.table = cuts.table.drop_columns("class").append_column("class", ours)
    cuts.cut(
        "class not in AFGKM",
        is_null(cuts.table["class"]),
        lambda cut: told("subclass ", pc.fill_null(cut["subclass"], "missing")),
    )


def _cut_without_labels(cuts: Cuts) -> None:
    cuts.cut(
        "label missing",
        is_null(*(cuts.table[label] for label in LABELS)),
        lambda cut: told("no ", listed({label: is_null(cut[label]) for label in LABELS})),
    )


def _fill_snr(cuts: Cuts, headers: Headers) -> None:
    """Take from the files' headers the S/N in r and i that the catalogue lacks."""
    table = cuts.table
    lacking = is_null(*(table[band] for band in BANDS))
    facts = headers.read(table["path"].filter(pa.array(lacking)).to_pylist())
    for band in BANDS:
        values = table[band].to_numpy().copy()
        in_header = np.array([getattr(fact, band) for fact in facts], float)
        values[lacking] = np.where(np.isnan(values[lacking]), in_header, values[lacking])
        table = table.drop_columns(band).append_column(band, pa.array(values, from_pandas=True))
    unreadable = np.zeros(table.num_rows, bool)
    unreadable[lacking] = [fact.problem is not None for fact in facts]
    cuts.table = table
    cuts.cut(
        UNREADABLE,
        unreadable,
        lambda cut: pa.array([f.problem for f in headers.read(cut["path"].to_pylist())]),
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
            lambda cut, band=band, smallest=smallest: pc.binary_join_element_wise(
                cut[band].cast(pa.string()), f"{smallest:g}", " is below "
            ),
        )


def _cut_nowhere(cuts: Cuts) -> None:
    table = cuts.table
    nowhere = is_null(table["ra"]) & is_null(table["gaia_source_id"]) & is_null(table["uid"])
    cuts.cut(
        "no position and no id",
        nowhere,
        lambda cut: pa.repeat("nothing tells which star it is of", len(cut)),
    )
