"""Spectra of one star have the same id, so that no star is in two splits."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.surveys.stars import star_ids

ARCSEC = 1 / 3600


def stars(*rows: tuple[str | None, str | None, float | None, float | None]) -> list[str]:
    """Star ids of rows (gaia, uid, ra, dec) with obsids 10, 11, 12, ..."""
    gaia, uid, ra, dec = zip(*rows, strict=True)
    table = pa.table(
        {
            "obsid": pa.array(range(10, 10 + len(rows))),
            "gaia_source_id": pa.array(gaia, pa.string()),
            "uid": pa.array(uid, pa.string()),
            "ra": pa.array(ra, pa.float64()),
            "dec": pa.array(dec, pa.float64()),
        }
    )
    return star_ids(table, 3.0).to_pylist()


def test_the_best_id_names_the_star():
    far = [("9", "G1", 1.0, 0.0), (None, "G2", 2.0, 0.0), (None, None, 3.0, 0.0)]
    assert stars(*far) == ["gaia:9", "uid:G2", "sky:12"]


def test_equal_ids_are_one_star_at_any_distance():
    assert stars(("9", None, 1, 0), ("9", None, 2, 0)) == ["gaia:9"] * 2
    assert stars((None, "G", 1, 0), (None, "G", 2, 0)) == ["uid:G"] * 2


def test_a_star_without_an_id_is_identified_by_its_position():
    close = 1 + 2 * ARCSEC
    assert stars(("9", "G1", 1, 0), (None, None, close, 0)) == ["gaia:9"] * 2


def test_different_ids_within_the_radius_are_one_star_too():
    assert stars(("9", "a", 1, 0), ("8", "b", 1 + 2.9 * ARCSEC, 0)) == ["gaia:8"] * 2
    assert len(set(stars(("9", "a", 1, 0), ("8", "b", 1 + 3.1 * ARCSEC, 0)))) == 2


def test_chains_of_ids_and_positions_are_one_star():
    steps = [(None, None, 1 + 2.5 * i * ARCSEC, 0.0) for i in range(4)]
    assert stars(*steps) == ["sky:10"] * 4
    chain = [(None, None, 5.0, 0.0), (None, "G", 5.0, ARCSEC), ("7", "G", 9.0, 0.0)]
    assert stars(*chain) == ["gaia:7"] * 3


def test_the_sky_is_a_sphere():
    assert len(set(stars((None, None, 359.9999, 0), (None, None, 0.0001, 0)))) == 1
    assert len(set(stars((None, None, 0, 89.9999), (None, None, 180, 89.9999)))) == 1
    assert len(set(stars((None, None, 10, 80), (None, None, 10 + 6 * ARCSEC, 80)))) == 1


def test_an_id_suffices_without_a_position():
    assert stars(("9", None, None, None), ("9", None, 1, 0), (None, "u", None, None)) == [
        "gaia:9",
        "gaia:9",
        "uid:u",
    ]


IDS = st.none() | st.sampled_from("abc")
ROW = st.tuples(IDS, IDS, st.integers(0, 12), st.integers(0, 2))


@settings(deadline=None)
@given(st.lists(ROW, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_components_are_those_of_the_definition_in_any_order(rows, random):
    """Positions are on a grid of 1.6 arcsec; the expected closure is by brute force."""
    sky = [(g, u, 50 + 1.6 * x * ARCSEC, 1.6 * y * ARCSEC) for g, u, x, y in rows]
    found = stars(*sky)
    n = len(rows)
    joined = np.array(
        [
            [
                (a[0] is not None and a[0] == b[0])
                or (a[1] is not None and a[1] == b[1])
                or np.hypot(a[2] - b[2], a[3] - b[3]) * 1.6 <= 3
                for b in rows
            ]
            for a in rows
        ]
    )
    for _ in range(n):
        joined = joined @ joined
    assert (joined == (np.array(found)[:, None] == np.array(found)[None, :])).all()
    order = random.sample(range(n), n)
    ids = pa.table(
        {
            "obsid": [10 + i for i in order],
            "gaia_source_id": pa.array([sky[i][0] for i in order], pa.string()),
            "uid": pa.array([sky[i][1] for i in order], pa.string()),
            "ra": [sky[i][2] for i in order],
            "dec": [sky[i][3] for i in order],
        }
    )
    assert star_ids(ids, 3.0).to_pylist() == [found[i] for i in order]
