"""Matches LAMOST's spectra with the stars of another survey (docs/crossmatch.md)."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import SpectraLMError
from spectralm.schemas import CATALOGUE, CROSSMATCHED, schema
from spectralm.surveys.cuts import reject_rows, with_prefix
from spectralm.surveys.options import CrossmatchOptions
from spectralm.surveys.sky import Pairs, directions, pairs_within, separations

STAGE = "crossmatch"
#: The outcome for a LAMOST star and for a star of the survey; MATCHED stars are not rejected.
MATCHED, NO_CANDIDATE, OTHER_G, AMBIGUOUS, SEVERAL_IDS = range(5)
SPECTRUM_REASONS = (
    *("matched", "no counterpart", "G magnitude differs", "ambiguous counterpart"),
    "several Gaia ids in one LAMOST star",
)
STAR_REASONS = ("matched", "no LAMOST spectrum", *SPECTRUM_REASONS[OTHER_G:])
GAIA, SKY, MOVED = "gaia", "sky", "sky with proper motion"


@dataclass(frozen=True)
class LamostStars:
    """LAMOST's stars; arrays are [stars] except ``of_spectrum``."""

    of_spectrum: np.ndarray
    """The index of each spectrum's star [spectra]."""
    gaia: np.ndarray
    """Gaia ids, int64; 0 if there are none or several."""
    several: np.ndarray
    """Whether spectra of the star have different Gaia ids."""
    gmag: np.ndarray
    """Gaia G magnitudes, NaN where unknown."""
    xyz: np.ndarray
    """Unit vectors [stars, 3], NaN where unknown."""


@dataclass(frozen=True)
class Crossmatch:
    """The spectra with a counterpart in the other survey, and everything else."""

    catalogue: pa.Table
    """Columns CROSSMATCHED, sorted by obsid."""
    rejects: pa.Table
    """Columns REJECTS: every other spectrum, and every star of the survey without a spectrum (its
    obsid is null and its id is in the detail)."""


def crossmatch(spectra: pa.Table, stars: pa.Table, options: CrossmatchOptions) -> Crossmatch:
    """Add the labels of another survey to the LAMOST spectra of its stars.

    Stars are matched, not spectra: all spectra of one star (``star_id``) get the same labels. Two
    stars are the same if they have the same Gaia id of the same release. Two stars with different
    ids of that release are different. Other stars are the same if they lie within the radius at
    LAMOST's epoch, their G magnitudes agree, and neither has another such candidate (so each is the
    nearest to the other). Proper motions are the survey's; a star without proper motion stays at
    its position.

    Args:
        spectra: columns CATALOGUE.
        stars: columns STARS, each star once.
        options: radius, largest difference of magnitude, LAMOST's epoch and Gaia release.

    Raises:
        SpectraLMError: nothing matches.
    """
    lamost = _lamost_stars(spectra)
    xyz = directions(stars, options.lamost_epoch)
    gaia = _gaia_numbers(
        stars["gaia_source_id"], stars["gaia_release"], options.lamost_gaia_release
    )
    by_id = _same_ids(lamost.gaia, gaia)
    close = _close(lamost, gaia, xyz, by_id, options)
    pairs = Pairs(
        np.concatenate([by_id.left, close.left]), np.concatenate([by_id.right, close.right])
    )
    outcome = _pair_outcomes(lamost, stars, pairs, options)
    good = outcome == MATCHED
    if not good.any():
        raise SpectraLMError(_no_match(spectra, stars, lamost, gaia, outcome, options))
    separation = separations(lamost.xyz[pairs.left], xyz[pairs.right])
    matched_by = _matched_by(stars, pairs, by_id.left.size)
    matched = _table(spectra, stars, lamost, pairs, separation, matched_by, good)
    lamost_outcome = _star_outcomes(outcome, pairs.left, lamost.gaia.size)
    survey_outcome = _star_outcomes(outcome, pairs.right, stars.num_rows)
    details = _details(lamost_outcome, lamost, stars, pairs, separation, options)
    rejects = [
        _rejected_spectra(spectra, lamost.of_spectrum, lamost_outcome, details),
        _rejected_stars(stars, survey_outcome),
    ]
    return Crossmatch(matched, pa.concat_tables(rejects))


def _lamost_stars(spectra: pa.Table) -> LamostStars:
    """A star's position is that of its spectrum with the highest S/N in r that has a position."""
    star = spectra["star_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    size = int(star.max(initial=-1)) + 1
    gaia = _gaia_numbers(spectra["gaia_source_id"])
    most, least = np.zeros(size, np.int64), np.full(size, np.iinfo(np.int64).max)
    np.maximum.at(most, star, gaia)
    np.minimum.at(least, star[gaia > 0], gaia[gaia > 0])
    several = (most > 0) & (least != most)
    gmag = np.full(size, np.nan)
    np.fmin.at(gmag, star, spectra["gmag"].to_numpy())
    xyz = directions(spectra)
    with_position = np.flatnonzero(np.isfinite(xyz[:, 0]))
    snr = pc.fill_null(spectra["snrr"], -1).to_numpy()
    ascending = with_position[np.argsort(snr[with_position], kind="stable")]
    position = np.full((size, 3), np.nan)
    position[star[ascending]] = xyz[ascending]
    return LamostStars(star, np.where(several, 0, most), several, gmag, position)


def _gaia_numbers(
    ids: pa.ChunkedArray, releases: pa.ChunkedArray | None = None, release: str | None = None
) -> np.ndarray:
    """Gaia ids as int64, 0 where missing or, if a release is given, of another release."""
    numbers = pc.fill_null(ids.cast(pa.int64()), 0)
    if releases is not None:
        same = pc.fill_null(pc.equal(releases, pa.scalar(release)), False)
        numbers = pc.if_else(same, numbers, 0)
    return numbers.to_numpy()


def _same_ids(left: np.ndarray, right: np.ndarray) -> Pairs:
    """Pairs with the same id; ids other than 0 are unique on either side."""
    _, of_left, of_right = np.intersect1d(left, right, return_indices=True)
    present = left[of_left] > 0
    return Pairs(of_left[present], of_right[present])


def _close(
    lamost: LamostStars,
    gaia: np.ndarray,
    xyz: np.ndarray,
    by_id: Pairs,
    options: CrossmatchOptions,
) -> Pairs:
    """Pairs within the radius of stars without a match by id, unless their ids differ."""
    left_free, right_free = np.isfinite(lamost.xyz[:, 0]), np.isfinite(xyz[:, 0])
    left_free[by_id.left] = right_free[by_id.right] = False
    left, right = np.flatnonzero(left_free), np.flatnonzero(right_free)
    found = pairs_within(options.radius_arcsec, lamost.xyz[left], xyz[right])
    left, right = left[found.left], right[found.right]
    differ = (lamost.gaia[left] > 0) & (gaia[right] > 0)
    return Pairs(left[~differ], right[~differ])


def _pair_outcomes(
    lamost: LamostStars, stars: pa.Table, pairs: Pairs, options: CrossmatchOptions
) -> np.ndarray:
    """[pairs] The outcome of each pair; OTHER_G pairs do not make other pairs ambiguous."""
    difference = np.abs(lamost.gmag[pairs.left] - stars["gmag"].to_numpy()[pairs.right])
    outcome = np.where(difference > options.largest_g_difference, OTHER_G, MATCHED)
    left, right = (side[outcome == MATCHED] for side in (pairs.left, pairs.right))
    unique = np.bincount(left, minlength=lamost.gaia.size)[pairs.left] == 1
    unique &= np.bincount(right, minlength=stars.num_rows)[pairs.right] == 1
    outcome[(outcome == MATCHED) & ~unique] = AMBIGUOUS
    outcome[(outcome == MATCHED) & lamost.several[pairs.left]] = SEVERAL_IDS
    return outcome


def _star_outcomes(outcome: np.ndarray, star: np.ndarray, size: int) -> np.ndarray:
    """[size] MATCHED for each star in a matched pair, else the largest outcome of its pairs."""
    stars = np.full(size, NO_CANDIDATE)
    np.maximum.at(stars, star, outcome)
    stars[star[outcome == MATCHED]] = MATCHED
    return stars


def _matched_by(stars: pa.Table, pairs: Pairs, by_id: int) -> pa.Array:
    moved = pc.and_(pc.is_valid(stars["pmra"]), pc.is_valid(stars["pmdec"])).to_numpy()
    index = np.where(moved[pairs.right], 2, 1)
    index[:by_id] = 0
    return pa.array([GAIA, SKY, MOVED]).take(pa.array(index))


def _table(
    spectra: pa.Table,
    stars: pa.Table,
    lamost: LamostStars,
    pairs: Pairs,
    separation: np.ndarray,
    matched_by: pa.Array,
    good: np.ndarray,
) -> pa.Table:
    """Columns CROSSMATCHED of the spectra whose star is in a good pair."""
    pair_of_star = np.full(lamost.gaia.size, -1)
    pair_of_star[pairs.left[good]] = np.flatnonzero(good)
    pair = pair_of_star[lamost.of_spectrum]
    table = spectra.select([column.name for column in CATALOGUE]).filter(pa.array(pair >= 0))
    pair = pair[pair >= 0]
    counterparts = stars.take(pa.array(pairs.right[pair]))
    columns = {name: counterparts[name] for name in counterparts.column_names}
    columns |= {f"survey_{name}": counterparts[name] for name in ("snr", "teff", "logg", "feh")}
    columns["separation"] = pa.array(separation[pair], from_pandas=True)
    columns["matched_by"] = matched_by.take(pa.array(pair))
    for column in CROSSMATCHED[len(CATALOGUE) :]:
        table = table.append_column(column.name, columns[column.name])
    return table.cast(schema(CROSSMATCHED)).sort_by("obsid")


def _details(
    outcome: np.ndarray,
    lamost: LamostStars,
    stars: pa.Table,
    pairs: Pairs,
    separation: np.ndarray,
    options: CrossmatchOptions,
) -> pa.Array:
    """[stars] A description of each LAMOST star's nearest candidate, or that there is none."""
    unmatched = np.flatnonzero(outcome[pairs.left] != MATCHED)
    descending = unmatched[np.argsort(-np.nan_to_num(separation[unmatched]), kind="stable")]
    nearest = np.full(lamost.gaia.size, -1)
    nearest[pairs.left[descending]] = descending
    found = np.flatnonzero(nearest >= 0)
    left, right = pairs.left[nearest[found]], pairs.right[nearest[found]]
    cells = zip(
        np.bincount(pairs.left, minlength=lamost.gaia.size)[found].tolist(),
        stars["survey_id"].take(pa.array(right)).to_pylist(),
        separation[nearest[found]].tolist(),
        stars["gmag"].to_numpy()[right].tolist(),
        lamost.gmag[left].tolist(),
        strict=True,
    )
    details = [
        f"{number} near; the nearest is {name}, {distance:.2f} arcsec away, G {theirs:.2f} "
        f"where LAMOST has {ours:.2f}"
        for number, name, distance, theirs, ours in cells
    ]
    details.append(f"none within {options.radius_arcsec:g} arcsec nor by Gaia id")
    index = np.full(lamost.gaia.size, found.size)
    index[found] = np.arange(found.size)
    return pa.array(details).take(pa.array(index))


def _rejected_spectra(
    spectra: pa.Table, star: np.ndarray, outcome: np.ndarray, details: pa.Array
) -> pa.Table:
    rejected = np.flatnonzero(outcome[star] != MATCHED)
    rows = spectra.select(["obsid", "path"]).take(pa.array(rejected))
    reason = pa.array(SPECTRUM_REASONS).take(pa.array(outcome[star[rejected]]))
    detail = details.take(pa.array(star[rejected]))
    return reject_rows(rows["obsid"], rows["path"], reason, detail, STAGE)


def _rejected_stars(stars: pa.Table, outcome: np.ndarray) -> pa.Table:
    rejected = pa.array(np.flatnonzero(outcome != MATCHED))
    reason = pa.array(STAR_REASONS).take(pa.array(outcome)).take(rejected)
    detail = with_prefix("star ", stars["survey_id"].take(rejected))
    return reject_rows(None, None, reason, detail, STAGE)


def _no_match(
    spectra: pa.Table,
    stars: pa.Table,
    lamost: LamostStars,
    gaia: np.ndarray,
    outcome: np.ndarray,
    options: CrossmatchOptions,
) -> str:
    """The error message if nothing matches, with the numbers that show why."""
    releases = ", ".join(pc.unique(stars["gaia_release"].drop_null()).to_pylist()) or "none"
    counts = np.bincount(outcome, minlength=len(SPECTRUM_REASONS))
    cut = ", ".join(f"{SPECTRUM_REASONS[i]}: {n}" for i, n in enumerate(counts) if n)
    skies = [
        f"{whose} ra {_range(table['ra'])}, dec {_range(table['dec'])} deg"
        for whose, table in (("LAMOST", spectra), ("the survey", stars))
    ]
    return (
        f"none of {lamost.gaia.size:,} LAMOST stars is one of the survey's {stars.num_rows:,}: "
        f"{np.count_nonzero(lamost.gaia):,} LAMOST stars have a Gaia id "
        f"({options.lamost_gaia_release}) and {np.count_nonzero(gaia):,} of the survey's (its ids: "
        f"{releases}; ids of different releases are not compared); "
        f"candidates within {options.radius_arcsec:g} arcsec: {outcome.size:,}"
        f"{f' ({cut})' if cut else ''}; positions: {'; '.join(skies)}; "
        "check that both are of the same part of the sky, that right ascensions are in degrees, "
        "and surveys.crossmatch"
    )


def _range(column: pa.ChunkedArray) -> str:
    ends = pc.min_max(column).as_py()
    return "unknown" if ends["min"] is None else f"{ends['min']:.2f} to {ends['max']:.2f}"
