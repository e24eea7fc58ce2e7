"""Identifies the spectra of one star (docs/survey_files.md)."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from spectralm.surveys.sky import chord, unit_vectors


def star_ids(rows: pa.Table, radius_arcsec: float) -> pa.Array:
    """The star of each row: ``gaia:``, ``uid:`` or ``sky:`` and an id.

    Two rows are of one star if they have the same Gaia id or uid, lie within ``radius_arcsec`` of
    each other, or are connected by a chain of such rows. So rows this close are never in different
    splits, whatever their ids. A star is named after its first Gaia id (in text order), else its
    first uid, else its smallest obsid; the order of the rows does not matter.

    Args:
        rows: columns obsid, gaia_source_id, uid, ra, dec (deg; null where unknown).
        radius_arcsec: largest separation of two spectra of one star.
    """
    gaia, gaia_names = _codes(rows["gaia_source_id"])
    uid, uid_names = _codes(rows["uid"])
    position, close = _positions(rows, radius_arcsec)
    star = _components((gaia, uid, position), close)
    obsid = rows["obsid"].to_numpy()
    by_gaia, by_uid = _smallest(star, gaia), _smallest(star, uid)
    by_obsid = _smallest(star, np.argsort(np.argsort(obsid)))
    return pc.coalesce(
        pc.binary_join_element_wise("gaia", gaia_names.take(by_gaia), ":"),
        pc.binary_join_element_wise("uid", uid_names.take(by_uid), ":"),
        pc.binary_join_element_wise(
            "sky", pa.array(np.sort(obsid)).cast(pa.string()).take(by_obsid), ":"
        ),
    ).take(pa.array(star))


def _codes(column: pa.ChunkedArray) -> tuple[np.ndarray, pa.Array]:
    """Each row's index [rows] in the sorted ids, -1 where missing; and the sorted ids."""
    encoded = column.combine_chunks().dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    codes = pc.fill_null(encoded.indices, -1).to_numpy()
    return np.where(codes >= 0, np.append(rank, -1)[codes], -1), encoded.dictionary.take(order)


def _positions(rows: pa.Table, radius_arcsec: float) -> tuple[np.ndarray, np.ndarray]:
    """Each row's index [rows] in the distinct positions, -1 where unknown; and close pairs [n, 2].

    Repeated observations mostly have equal coordinates. As these count once, there are few pairs.
    """
    ra, dec = (np.radians(rows[name].to_numpy()) for name in ("ra", "dec"))
    finite = np.isfinite(ra)
    distinct, index = np.unique(ra[finite] + 1j * dec[finite], return_inverse=True)
    xyz = unit_vectors(distinct.real, distinct.imag)
    tree = cKDTree(xyz, balanced_tree=False, compact_nodes=False)
    position = np.full(rows.num_rows, -1)
    position[finite] = index
    return position, tree.query_pairs(chord(radius_arcsec), output_type="ndarray")


def _components(labels: tuple[np.ndarray, ...], close: np.ndarray) -> np.ndarray:
    """[rows] The index of each row's connected component.

    The nodes of the graph are the rows and the values of each kind of label. Edges connect each row
    with its labels (each [rows], -1 where missing), and labels of the last kind that are a pair in
    ``close`` [n, 2].
    """
    nodes = labels[0].size
    edges = []
    for label in labels:
        rows = np.flatnonzero(label >= 0)
        edges.append(np.stack([rows, nodes + label[rows]]))
        first, nodes = nodes, nodes + label.max(initial=-1) + 1
    edges.append(first + close.T)
    start, end = np.concatenate(edges, axis=1).astype(np.int32)
    graph = coo_array((np.ones(start.size, np.int8), (start, end)), shape=(nodes, nodes))
    component = connected_components(graph, directed=False)[1][: labels[0].size]
    return np.unique(component, return_inverse=True)[1]


def _smallest(star: np.ndarray, codes: np.ndarray) -> pa.Array:
    """[stars] The smallest code of each star's rows, null if all are missing (-1)."""
    missing = np.iinfo(np.int64).max
    smallest = np.full(star.max(initial=-1) + 1, missing)
    np.minimum.at(smallest, star, np.where(codes >= 0, codes, missing))
    return pa.array(smallest, mask=smallest == missing)
