import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from spectralm.errors import InputError
from spectralm.evaluation.residuals import residuals
from spectralm.labels.vocabulary import Targets
from spectralm.schemas import residual_columns, schema


def without(table: pa.Table, obsids: list[int]) -> pa.Table:
    return table.filter(pc.invert(pc.is_in(table["obsid"], pa.array(obsids))))


def shuffled(table: pa.Table, seed: int) -> pa.Table:
    return table.take(np.random.default_rng(seed).permutation(len(table)))


def test_rows_are_the_test_spectra_with_predicted_minus_survey(manifest, predictions):
    table = residuals(manifest, manifest["obsid"], predictions, "run")
    assert table.schema.equals(schema(residual_columns(Targets.PARAMETERS)))
    assert set(table["obsid"].to_pylist()) == set(predictions["obsid"].to_pylist())
    survey = {row["obsid"]: row for row in manifest.to_pylist()}
    answers = {row["obsid"]: row for row in predictions.to_pylist()}
    for row in table.to_pylist()[:200]:
        star, answer = survey[row["obsid"]], answers[row["obsid"]]
        assert (row["star_id"], row["class"]) == (star["star_id"], star["class"])
        assert row["predicted_class"] == answer["class"]
        if answer["status"] == "parsed":
            assert row["teff_residual"] == answer["teff"] - star["teff"]
        else:
            assert row["teff_residual"] is None
            assert row["teff"] == star["teff"]


def test_what_limits_residuals_is_joined_by_obsid_where_it_is_known(manifest, predictions):
    test = predictions["obsid"].to_numpy()
    known = np.random.default_rng(0).permutation(test)[:500]
    quantities = ("teff_label_error", "teff_bound", "teff_true")
    values = {name: np.sqrt(known) * number for number, name in enumerate(quantities)}
    floor = pa.table({"obsid": known, **values})
    table = residuals(manifest, manifest["obsid"], predictions, "run", floor=floor)
    assert table["teff_bound"].null_count == len(table) - 500
    assert table["logg_bound"].null_count == len(table)
    for row in table.to_pylist():
        here = row["obsid"] in set(known.tolist())
        for number, name in enumerate(quantities):
            assert row[name] == (np.sqrt(row["obsid"]) * number if here else None)


def test_order_of_rows_does_not_matter(manifest, predictions):
    straight = residuals(manifest, manifest["obsid"], predictions, "run")
    mixed = residuals(
        shuffled(manifest, 1), shuffled(manifest, 2)["obsid"], shuffled(predictions, 3), "run"
    )
    assert mixed.equals(straight)


def test_values_beside_a_failed_status_are_not_used(manifest, predictions):
    status = pa.array(["cut off"] * len(predictions))
    failed = predictions.set_column(1, "status", status)
    table = residuals(manifest, manifest["obsid"], failed, "run")
    for name in ("predicted_class", "teff_predicted", "feh_residual"):
        assert table[name].null_count == len(table)


def test_a_refused_spectrum_is_no_missing_prediction(manifest, predictions):
    gone = predictions["obsid"][:7].to_pylist()
    table = residuals(manifest, without(manifest, gone)["obsid"], without(predictions, gone), "run")
    assert len(table) == len(predictions) - 7


def test_missing_predictions_are_counted(manifest, predictions):
    gone = predictions["obsid"][:7].to_pylist()
    with pytest.raises(InputError, match=r"run: obsid: .*without a prediction: 7 \("):
        residuals(manifest, manifest["obsid"], without(predictions, gone), "run")


def test_a_spectrum_predicted_twice_is_refused(manifest, predictions):
    twice = pa.concat_tables([predictions, predictions[:2]])
    with pytest.raises(InputError, match="more than once: 2"):
        residuals(manifest, manifest["obsid"], twice, "run")


@pytest.mark.parametrize("change", ["stranger", "train", "refused"])
def test_a_prediction_of_no_test_spectrum_is_refused(manifest, predictions, change):
    obsid = predictions["obsid"][0].as_py()
    spectra = manifest["obsid"]
    if change == "stranger":
        manifest = without(manifest, [obsid])
    elif change == "train":
        split = pc.if_else(pc.equal(manifest["obsid"], obsid), "train", manifest["split"])
        manifest = manifest.drop_columns("split").append_column("split", split)
    else:
        spectra = without(manifest, [obsid])["obsid"]
    with pytest.raises(InputError, match=f"not a test spectrum of this sample: 1 .{obsid}"):
        residuals(manifest, spectra, predictions, "run")


def test_an_infinite_prediction_is_refused(manifest, predictions):
    teff = pa.array([float("inf")] + [5000.0] * (len(predictions) - 1))
    wild = predictions.drop_columns(["teff", "status"]).append_column("teff", teff)
    wild = wild.append_column("status", pa.array(["parsed"] * len(wild)))
    with pytest.raises(InputError, match="teff is not a finite number: 1"):
        residuals(manifest, manifest["obsid"], wild, "run")
