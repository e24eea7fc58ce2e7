"""Directions on the sky as unit vectors, moved by proper motion, and pairs of close ones."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.spatial import cKDTree

from spectralm.surveys.stars import ARCSEC


@dataclass(frozen=True)
class Pairs:
    """Numbers of the left and of the right members [pairs]."""

    left: np.ndarray
    right: np.ndarray


def directions(table: pa.Table, epoch: float | None = None) -> np.ndarray:
    """Unit vectors [rows, 3] of ra and dec (deg, ICRS), NaN where these are null.

    At another ``epoch`` (Julian year), each is moved along its great circle by its own proper
    motion (columns epoch, pmra, pmdec, mas/yr); a direction of which either is null stays.
    """
    ra, dec = (np.radians(table[name].to_numpy()) for name in ("ra", "dec"))
    sin_ra, cos_ra, sin_dec, cos_dec = np.sin(ra), np.cos(ra), np.sin(dec), np.cos(dec)
    xyz = np.column_stack([cos_dec * cos_ra, cos_dec * sin_ra, sin_dec])
    if epoch is None:
        return xyz
    years = epoch - table["epoch"].to_numpy()
    east, north = (table[name].to_numpy() * years * ARCSEC / 1000 for name in ("pmra", "pmdec"))
    unknown = np.isnan(east) | np.isnan(north)
    east, north = np.where(unknown, 0, east), np.where(unknown, 0, north)
    xyz[:, 0] -= sin_ra * east + sin_dec * cos_ra * north
    xyz[:, 1] += cos_ra * east - sin_dec * sin_ra * north
    xyz[:, 2] += cos_dec * north
    return xyz / np.linalg.norm(xyz, axis=1, keepdims=True)


def pairs_within(radius_arcsec: float, left: np.ndarray, right: np.ndarray) -> Pairs:
    """All pairs of directions ([n, 3] and [m, 3]) at most so far apart."""
    trees = [cKDTree(xyz, balanced_tree=False, compact_nodes=False) for xyz in (left, right)]
    chord = 2 * np.sin(radius_arcsec * ARCSEC / 2)
    found = trees[0].sparse_distance_matrix(trees[1], chord, output_type="ndarray")
    return Pairs(found["i"], found["j"])


def separations(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Angles (arcsec) between directions, row by row; NaN where either is."""
    chord = np.linalg.norm(left - right, axis=1)
    return 2 * np.arcsin(np.minimum(chord / 2, 1)) / ARCSEC
