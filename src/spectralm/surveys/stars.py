"""Which spectra are of one star (docs/survey_files.md)."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from spectralm.surveys.sky import chord, unit_vectors


def star_ids(rows: pa.Table, radius_arcsec: float) -> pa.Array:
    """The star of each row: ``gaia:``, ``uid:`` or ``sky:`` and an id.

    Two rows are of one star if they share a Gaia id, or a uid, or lie within ``radius_arcsec`` of
    each other, or are joined by a chain of such rows; so no two rows so close can be in different
    splits, be their ids equal, different or missing. The star is named after its first Gaia id
    (as text), else its first uid, else its smallest obsid, whatever the order of the rows.

    Args:
        rows: columns obsid, gaia_source_id, uid, ra, dec (deg; null where unknown).
    """
    gaia, gaia_names = _codes(rows["gaia_source_id"])
    uid, uid_names = _codes(rows["uid"])
    place, close = _places(rows, radius_arcsec)
    star = _components((gaia, uid, place), close)
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
    """Each row's id as its place [rows] among the sorted ids, -1 where missing; and those ids."""
    encoded = column.combine_chunks().dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    codes = pc.fill_null(encoded.indices, -1).to_numpy()
    return np.where(codes >= 0, np.append(rank, -1)[codes], -1), encoded.dictionary.take(order)


def _places(rows: pa.Table, radius_arcsec: float) -> tuple[np.ndarray, np.ndarray]:
    """Each row's place on the sky [rows], -1 where unknown, and the pairs [n, 2] of close places.

    Repeated observations mostly have equal coordinates: they share a place, which keeps the pairs
    few.
    """
    ra, dec = (np.radians(rows[name].to_numpy()) for name in ("ra", "dec"))
    known = np.isfinite(ra)
    places, which = np.unique(ra[known] + 1j * dec[known], return_inverse=True)
    xyz = unit_vectors(places.real, places.imag)
    tree = cKDTree(xyz, balanced_tree=False, compact_nodes=False)
    place = np.full(rows.num_rows, -1)
    place[known] = which
    return place, tree.query_pairs(chord(radius_arcsec), output_type="ndarray")


def _components(labels: tuple[np.ndarray, ...], close: np.ndarray) -> np.ndarray:
    """[rows] Number of the connected component of each row.

    Nodes of the graph are the rows and each kind of label; each row is joined to its labels (each
    [rows], -1 where missing), and labels of the last kind to each other by ``close`` [n, 2].
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
    """[stars] The smallest code of each star's rows, null where all are missing (-1)."""
    nothing = np.iinfo(np.int64).max
    smallest = np.full(star.max(initial=-1) + 1, nothing)
    np.minimum.at(smallest, star, np.where(codes >= 0, codes, nothing))
    return pa.array(smallest, mask=smallest == nothing)
