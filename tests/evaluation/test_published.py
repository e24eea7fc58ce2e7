"""The committed numbers against numbers typed by hand from the paper."""

from collections import Counter
from pathlib import Path

import pytest

from spectralm.errors import InputError
from spectralm.evaluation.published import Published, read_published
from spectralm.labels.vocabulary import CLASSES

ELEMENTS = {
    f"{name}_fe"
    for row in ("c ci n o mg al si", "s mn ni ca na p k", "ti tiii cr co cu v ce")
    for name in row.split()
}
STAGE_1 = {"teff", "logg", "feh"}


@pytest.fixture(scope="module")
def tables(repository: Path) -> dict[int, list[Published]]:
    folder = repository / "resources" / "published"
    return {number: read_published(folder / f"table{number}.csv") for number in range(1, 9)}


@pytest.mark.parametrize(
    ("table", "model", "dataset", "class_", "label", "quantity", "value"),
    [
        (1, "", "apogee", "F", "o_fe", "n", 1362),
        (1, "", "apogee", "G", "ce_fe", "n", 61161),
        (1, "", "apogee", "M", "tiii_fe", "n", 134),
        (2, "LLM", "lamost", "A", "teff", "sigma", 71),
        (2, "LLM", "lamost", "G", "logg", "mu", -0.02),
        (2, "LLM", "lamost", "All", "teff", "sigma", 38),
        (2, "LLM", "lamost", "M", "feh", "sigma", 0.11),
        (3, "LightGBM", "lamost", "A", "teff", "mu", -13),
        (3, "ResNet-50", "lamost", "M", "teff", "sigma", 706),
        (3, "Small CNN", "lamost", "K", "teff", "mu", 12),
        (3, "GRU", "lamost", "A", "feh", "sigma", 0.40),
        (3, "GRU", "lamost", "M", "feh", "mu", -0.01),
        (3, "LLM", "lamost", "All", "teff", "mu", 14),
        (3, "LLM", "lamost", "All", "teff", "sigma", 150),
        (4, "ResNet-50", "lamost", "M", "logg", "sigma", 2.65),
        (4, "ResNet-50", "lamost", "All", "teff", "sigma", 908),
        (4, "LLM", "lamost", "A", "teff", "mu", 22),
        (4, "LLM", "lamost", "All", "feh", "sigma", 0.11),
        (5, "LLM", "apogee", "K", "", "n", 8765),
        (5, "LLM", "apogee", "A", "na_fe", "sigma", 0.61),
        (5, "LLM", "apogee", "M", "al_fe", "mu", -0.04),
        (6, "ResNet-50", "apogee", "G", "co_fe", "rmse", 0.66),
        (6, "LLM", "apogee", "All", "k_fe", "rmse", 0.16),
        (6, "LLM", "apogee", "M", "ce_fe", "rmse", 0.26),
        (7, "LLM", "gaia_eso", "A", "teff", "sigma", 380),
        (7, "LLM", "galah", "K", "teff", "mu", -49),
        (7, "LLM", "galah", "M", "logg", "mu", -0.06),
        (8, "LLM", "gaia_eso", "All", "co_fe", "mu", -0.27),
        (8, "LLM", "galah", "All", "na_fe", "n", 60817),
        (8, "LLM", "galah", "All", "ce_fe", "sigma", 0.34),
    ],
)
def test_numbers_typed_by_hand(tables, table, model, dataset, class_, label, quantity, value):
    keys = (model, dataset, class_, label, quantity)
    found = [
        row.value
        for row in tables[table]
        if (row.model, row.dataset, row.class_, row.label, row.quantity) == keys
    ]
    assert found == [value]


@pytest.mark.parametrize("number", range(1, 9))
def test_every_cell_is_there_once_and_of_a_known_kind(tables, number):
    rows = tables[number]
    cells = Counter((r.model, r.dataset, r.class_, r.label, r.quantity) for r in rows)
    assert set(cells.values()) == {1}
    assert {row.table for row in rows} == {number}
    assert {row.class_ for row in rows} <= {*CLASSES, "All"}
    assert {row.label for row in rows} - {""} <= (STAGE_1 if number in (2, 3, 4, 7) else ELEMENTS)
    for row in rows:
        unit = "" if row.quantity == "n" else "K" if row.label == "teff" else "dex"
        assert row.unit == unit
        if row.quantity == "n":
            assert row.value == int(row.value) > 0
        elif row.quantity != "mu":
            assert row.value > 0


@pytest.mark.parametrize(
    ("number", "models", "scale", "size"),
    [
        (1, {""}, None, 21 * 5),
        (2, {"LLM"}, 1500000, 6 * 6),
        (3, {"LightGBM", "ResNet-50", "Small CNN", "GRU", "LLM"}, 100000, 5 * 6 * 6),
        (4, {"ResNet-50", "LLM"}, 500000, 2 * 6 * 6),
        (5, {"LLM"}, None, 5 + 21 * 5 * 2),
        (6, {"ResNet-50", "LLM"}, None, 21 * 6 * 2),
        (7, {"LLM"}, 1500000, 6 * 3 * 2 * 2),
        (8, {"LLM"}, None, 17 * 3 * 2),
    ],
)
def test_no_cell_is_missing(tables, number, models, scale, size):
    rows = tables[number]
    assert {row.model for row in rows} == models
    assert {row.scale for row in rows} == {scale}
    assert len(rows) == size


@pytest.mark.parametrize("number", [3, 4])
def test_the_classes_add_up_to_all_of_a_balanced_sample(tables, number):
    """A slip of a finger in a large number would not."""
    values = {(r.model, r.class_, r.label, r.quantity): r.value for r in tables[number]}
    for model in {row.model for row in tables[number]}:
        for label in STAGE_1:
            means, sigmas = (
                [values[model, name, label, part] for name in CLASSES] for part in ("mu", "sigma")
            )
            mean = sum(means) / 5
            square = sum(m**2 + s**2 for m, s in zip(means, sigmas, strict=True)) / 5 - mean**2
            digit = 1 if label == "teff" else 0.01
            assert values[model, "All", label, "mu"] == pytest.approx(mean, abs=digit)
            assert values[model, "All", label, "sigma"] == pytest.approx(
                square**0.5, rel=0.01, abs=digit
            )


def test_a_file_that_is_not_whole_is_named(tmp_path):
    (tmp_path / "table2.csv").write_text("table,model\n2,LLM\n")
    with pytest.raises(InputError, match=r"table2\.csv: published table"):
        read_published(tmp_path / "table2.csv")
