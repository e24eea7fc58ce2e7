"""Directions on the sky as unit vectors: proper motion, separations and close pairs."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.spatial import cKDTree

ARCSEC = np.pi / 180 / 3600


@dataclass(frozen=True)
class Pairs:
    """Indices of the left and right members of pairs, both [pairs]."""

    left: np.ndarray
    right: np.ndarray


def unit_vectors(ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Unit vectors [n, 3] of ra and dec (radians)."""
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def chord(arcsec: float) -> float:
    """Distance between the ends of two unit vectors at this angle."""
    return 2 * np.sin(arcsec * ARCSEC / 2)


def directions(table: pa.Table, epoch: float | None = None) -> np.ndarray:
    """Unit vectors [rows, 3] of columns ra and dec (deg, ICRS), NaN where these are null.

    If ``epoch`` (Julian year) is given, each is moved to it along a great circle by its proper
    motion (columns epoch, pmra, pmdec, mas/yr), unless a component of the motion is null.
    """
    ra, dec = (np.radians(table[name].to_numpy()) for name in ("ra", "dec"))
    xyz = unit_vectors(ra, dec)
    if epoch is None:
        return xyz
    sin_ra, cos_ra, sin_dec, cos_dec = np.sin(ra), np.cos(ra), np.sin(dec), np.cos(dec)
    years = epoch - table["epoch"].to_numpy()
    east, north = (table[name].to_numpy() * years * ARCSEC / 1000 for name in ("pmra", "pmdec"))
    unknown = np.isnan(east) | np.isnan(north)
    east, north = np.where(unknown, 0, east), np.where(unknown, 0, north)
    xyz[:, 0] -= sin_ra * east + sin_dec * cos_ra * north
    xyz[:, 1] += cos_ra * east - sin_dec * sin_ra * north
    xyz[:, 2] += cos_dec * north
    return xyz / np.linalg.norm(xyz, axis=1, keepdims=True)


def pairs_within(radius_arcsec: float, left: np.ndarray, right: np.ndarray) -> Pairs:
    """All pairs of directions ([n, 3] and [m, 3]) within the radius."""
    trees = [cKDTree(xyz, balanced_tree=False, compact_nodes=False) for xyz in (left, right)]
    found = trees[0].sparse_distance_matrix(trees[1], chord(radius_arcsec), output_type="ndarray")
    return Pairs(found["i"], found["j"])


def separations(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Angles (arcsec) between directions, row by row; NaN where either is NaN."""
    distance = np.linalg.norm(left - right, axis=1)
    return 2 * np.arcsin(np.minimum(distance / 2, 1)) / ARCSEC
