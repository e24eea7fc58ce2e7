"""Which star of another survey each LAMOST spectrum is of (docs/crossmatch.md)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import SpectraLMError
from spectralm.schemas import CATALOGUE, CROSSMATCHED, schema
from spectralm.surveys.cuts import Cells, reject_rows, told
from spectralm.surveys.options import CrossmatchOptions
from spectralm.surveys.sky import Pairs, directions, pairs_within, separations

STAGE = "crossmatch"
#: What becomes of a LAMOST star, and of a star of the survey; MATCHED has no reject.
MATCHED, ALONE, OTHER_G, AMBIGUOUS, SEVERAL_IDS = range(5)
SPECTRUM_REASONS = (
    *("matched", "no counterpart", "G magnitude differs", "ambiguous counterpart"),
    "several Gaia ids in one LAMOST star",
)
STAR_REASONS = ("matched", "no LAMOST spectrum", *SPECTRUM_REASONS[OTHER_G:])
GAIA, SKY, MOVED = "gaia", "sky", "sky with proper motion"


@dataclass(frozen=True)
class Targets:
    """LAMOST's stars; arrays are [stars] but for ``star``."""

    star: np.ndarray
    """The star of each spectrum [spectra]."""
    gaia: np.ndarray
    """int64, 0 where none or several are known."""
    several: np.ndarray
    """Whether spectra of the star have different Gaia ids."""
    gmag: np.ndarray
    """NaN where unknown."""
    xyz: np.ndarray
    """Direction on the sky [stars, 3], NaN where unknown."""


@dataclass(frozen=True)
class Crossmatch:
    """The spectra of stars that the other survey has, and everything else."""

    catalogue: pa.Table
    """Columns CROSSMATCHED, sorted by obsid."""
    rejects: pa.Table
    """Columns REJECTS: every other spectrum, and every star of the survey without a spectrum (its
    obsid is null and its id begins the detail)."""


def crossmatch(spectra: pa.Table, stars: pa.Table, options: CrossmatchOptions) -> Crossmatch:
    """Give each LAMOST spectrum the labels that another survey has of its star.

    Stars are matched, not spectra: all spectra of one star (``star_id``) get the same labels. Two
    stars are the same if they have the same Gaia id of the same release. Of the others, those with
    an id of that release on both sides are different; else they are the same if they lie within
    the radius at LAMOST's epoch, their G magnitudes do not contradict it, and neither has another
    such candidate (so each is the nearest to the other). Proper motions are the survey's; where it
    has none, its position is taken as it stands.

    Args:
        spectra: columns CATALOGUE.
        stars: columns STARS, each star once.

    Raises:
        SpectraLMError: nothing matches.
    """
    targets = _targets(spectra)
    xyz = directions(stars, options.lamost_epoch)
    gaia = _numbers(stars["gaia_source_id"], stars["gaia_release"], options.lamost_gaia_release)
    by_id = _same_ids(targets.gaia, gaia)
    close = _close(targets, gaia, xyz, by_id, options)
    pairs = Pairs(
        np.concatenate([by_id.left, close.left]), np.concatenate([by_id.right, close.right])
    )
    verdict = _judge(targets, stars, pairs, options)
    if not (verdict == MATCHED).any():
        raise SpectraLMError(_why_none(spectra, stars, targets, gaia, verdict, options))
    good = verdict == MATCHED
    apart = separations(targets.xyz[pairs.left], xyz[pairs.right])
    how = _how(stars, pairs, by_id.left.size)
    matched = _table(spectra, stars, targets, pairs, apart, how, good)
    fate_of_targets = _fates(verdict, pairs.left, targets.gaia.size)
    fate_of_stars = _fates(verdict, pairs.right, stars.num_rows)
    detail = _details(fate_of_targets, targets, stars, pairs, apart, options)
    rejects = [
        _lost_spectra(spectra, targets.star, fate_of_targets, detail),
        _lost_stars(stars, fate_of_stars),
    ]
    return Crossmatch(matched, pa.concat_tables(rejects))


def _targets(spectra: pa.Table) -> Targets:
    """A star's position is that of its spectrum with the highest S/N in r, of those with one."""
    star = spectra["star_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    size = int(star.max(initial=-1)) + 1
    gaia = _numbers(spectra["gaia_source_id"])
    most, least = np.zeros(size, np.int64), np.full(size, np.iinfo(np.int64).max)
    np.maximum.at(most, star, gaia)
    np.minimum.at(least, star[gaia > 0], gaia[gaia > 0])
    several = (most > 0) & (least != most)
    gmag = np.full(size, np.nan)
    np.fmin.at(gmag, star, spectra["gmag"].to_numpy())
    xyz = directions(spectra)
    placed = np.flatnonzero(np.isfinite(xyz[:, 0]))
    snr = pc.fill_null(spectra["snrr"], -1).to_numpy()
    best = placed[np.argsort(snr[placed], kind="stable")]
    where = np.full((size, 3), np.nan)
    where[star[best]] = xyz[best]
    return Targets(star, np.where(several, 0, most), several, gmag, where)


def _numbers(
    ids: pa.ChunkedArray, releases: pa.ChunkedArray | None = None, release: str | None = None
) -> np.ndarray:
    """Gaia ids as int64, 0 where missing or, if a release is asked for, of another one."""
    numbers = pc.fill_null(ids.cast(pa.int64()), 0)
    if releases is not None:
        same = pc.fill_null(pc.equal(releases, pa.scalar(release)), False)
        numbers = pc.if_else(same, numbers, 0)
    return numbers.to_numpy()


def _same_ids(left: np.ndarray, right: np.ndarray) -> Pairs:
    """Pairs with the same id; ids other than 0 are unique on either side."""
    _, of_left, of_right = np.intersect1d(left, right, return_indices=True)
    known = left[of_left] > 0
    return Pairs(of_left[known], of_right[known])


def _close(
    targets: Targets, gaia: np.ndarray, xyz: np.ndarray, by_id: Pairs, options: CrossmatchOptions
) -> Pairs:
    """Pairs on the sky of what has no match by id and no ids that contradict it."""
    free_targets, free_stars = np.isfinite(targets.xyz[:, 0]), np.isfinite(xyz[:, 0])
    free_targets[by_id.left] = free_stars[by_id.right] = False
    left, right = np.flatnonzero(free_targets), np.flatnonzero(free_stars)
    found = pairs_within(options.radius_arcsec, targets.xyz[left], xyz[right])
    left, right = left[found.left], right[found.right]
    differ = (targets.gaia[left] > 0) & (gaia[right] > 0)
    return Pairs(left[~differ], right[~differ])


def _judge(
    targets: Targets, stars: pa.Table, pairs: Pairs, options: CrossmatchOptions
) -> np.ndarray:
    """[pairs] What each pair is; OTHER_G is no candidate, so it makes no other pair ambiguous."""
    difference = np.abs(targets.gmag[pairs.left] - stars["gmag"].to_numpy()[pairs.right])
    verdict = np.where(difference > options.largest_g_difference, OTHER_G, MATCHED)
    left, right = (side[verdict == MATCHED] for side in (pairs.left, pairs.right))
    alone = np.bincount(left, minlength=targets.gaia.size)[pairs.left] == 1
    alone &= np.bincount(right, minlength=stars.num_rows)[pairs.right] == 1
    verdict[(verdict == MATCHED) & ~alone] = AMBIGUOUS
    verdict[(verdict == MATCHED) & targets.several[pairs.left]] = SEVERAL_IDS
    return verdict


def _fates(verdict: np.ndarray, member: np.ndarray, size: int) -> np.ndarray:
    """[size] What becomes of each star: MATCHED if a pair is, else its pairs' worst verdict."""
    fate = np.full(size, ALONE)
    np.maximum.at(fate, member, verdict)
    fate[member[verdict == MATCHED]] = MATCHED
    return fate


def _how(stars: pa.Table, pairs: Pairs, by_id: int) -> pa.Array:
    moved = pc.and_(pc.is_valid(stars["pmra"]), pc.is_valid(stars["pmdec"])).to_numpy()
    how = np.where(moved[pairs.right], 2, 1)
    how[:by_id] = 0
    return pa.array([GAIA, SKY, MOVED]).take(pa.array(how))


def _table(
    spectra: pa.Table,
    stars: pa.Table,
    targets: Targets,
    pairs: Pairs,
    apart: np.ndarray,
    how: pa.Array,
    good: np.ndarray,
) -> pa.Table:
    """Columns CROSSMATCHED of the spectra whose star is in a good pair."""
    pair = np.full(targets.gaia.size, -1)
    pair[pairs.left[good]] = np.flatnonzero(good)
    mine = pair[targets.star]
    table = spectra.select([column.name for column in CATALOGUE]).filter(pa.array(mine >= 0))
    mine = mine[mine >= 0]
    theirs = stars.take(pa.array(pairs.right[mine]))
    more = {
        "separation": pa.array(apart[mine], from_pandas=True),
        "matched_by": how.take(pa.array(mine)),
    }
    for column in CROSSMATCHED[len(CATALOGUE) :]:
        own = column.name if column.name in theirs.column_names else column.name[len("survey_") :]
        cells = more[column.name] if column.name in more else theirs[own]
        table = table.append_column(column.name, cells)
    return table.cast(schema(CROSSMATCHED)).sort_by("obsid")


def _details(
    fates: np.ndarray,
    targets: Targets,
    stars: pa.Table,
    pairs: Pairs,
    apart: np.ndarray,
    options: CrossmatchOptions,
) -> pa.Array:
    """Of each LAMOST star in words: its nearest candidate, or that there is none."""
    lost = np.flatnonzero(fates[pairs.left] != MATCHED)
    lost = lost[np.argsort(-np.nan_to_num(apart[lost]), kind="stable")]
    nearest = np.full(targets.gaia.size, -1)
    nearest[pairs.left[lost]] = lost
    found = np.flatnonzero(nearest >= 0)
    many = np.bincount(pairs.left, minlength=targets.gaia.size)[found]
    left, right = pairs.left[nearest[found]], pairs.right[nearest[found]]
    cells = zip(
        many.tolist(),
        stars["survey_id"].take(pa.array(right)).to_pylist(),
        apart[nearest[found]].tolist(),
        stars["gmag"].to_numpy()[right].tolist(),
        targets.gmag[left].tolist(),
        strict=True,
    )
    words = [
        f"{number} near; the nearest is {name}, {distance:.2f} arcsec away, G {theirs:.2f} "
        f"where LAMOST has {ours:.2f}"
        for number, name, distance, theirs, ours in cells
    ]
    words.append(f"none within {options.radius_arcsec:g} arcsec nor by Gaia id")
    place = np.full(targets.gaia.size, found.size)
    place[found] = np.arange(found.size)
    return pa.array(words).take(pa.array(place))


def _lost_spectra(
    spectra: pa.Table, star: np.ndarray, fates: np.ndarray, detail: pa.Array
) -> pa.Table:
    lost = np.flatnonzero(fates[star] != MATCHED)
    rows = spectra.select(["obsid", "path"]).take(pa.array(lost))
    reason = pa.array(SPECTRUM_REASONS).take(pa.array(fates[star[lost]]))
    words = detail.take(pa.array(star[lost]))
    return reject_rows(rows["obsid"], rows["path"], reason, words, STAGE)


def _lost_stars(stars: pa.Table, fates: np.ndarray) -> pa.Table:
    lost = pa.array(np.flatnonzero(fates != MATCHED))
    reason = pa.array(STAR_REASONS).take(pa.array(fates)).take(lost)
    names: Cells = stars["survey_id"].take(lost)
    return reject_rows(None, None, reason, told("star ", names), STAGE)


def _why_none(
    spectra: pa.Table,
    stars: pa.Table,
    targets: Targets,
    gaia: np.ndarray,
    verdict: np.ndarray,
    options: CrossmatchOptions,
) -> str:
    """What a user needs to know to see why nothing matches."""
    releases = ", ".join(pc.unique(stars["gaia_release"].drop_null()).to_pylist()) or "none"
    counts = np.bincount(verdict, minlength=len(SPECTRUM_REASONS))
    cut = ", ".join(f"{SPECTRUM_REASONS[i]}: {n}" for i, n in enumerate(counts) if n)
    skies = [
        f"{whose} ra {_range(table['ra'])}, dec {_range(table['dec'])} deg"
        for whose, table in (("LAMOST", spectra), ("the survey", stars))
    ]
    return (
        f"none of {targets.gaia.size:,} LAMOST stars is one of the survey's {stars.num_rows:,}: "
        f"{np.count_nonzero(targets.gaia):,} LAMOST stars have a Gaia id "
        f"({options.lamost_gaia_release}) and {np.count_nonzero(gaia):,} of the survey's (its ids: "
        f"{releases}; ids of different releases are not compared); "
        f"candidates within {options.radius_arcsec:g} arcsec: {verdict.size:,}"
        f"{f' ({cut})' if cut else ''}; positions: {'; '.join(skies)}; "
        "check that both are of the same part of the sky, that right ascensions are in degrees, "
        "and surveys.crossmatch"
    )


def _range(column: pa.ChunkedArray) -> str:
    ends = pc.min_max(column).as_py()
    return "unknown" if ends["min"] is None else f"{ends['min']:.2f} to {ends['max']:.2f}"
