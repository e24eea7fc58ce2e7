"""Which run is compared with the paper's, and what manifests say of models."""

import pytest
from evaluation.rows import (
    CLASS_MEAN,
    FROM_PARAMETERS,
    GIVEN_CLASS,
    GIVEN_PARAMETERS,
    write_manifest,
)

from spectralm.errors import InputError
from spectralm.evaluation.runs import Manifest, RunName, by_run, scale_like


@pytest.mark.parametrize(
    ("paper", "runs", "scale"),
    [
        # The paper's experiment: the paper's scales.
        (100000, [(m, 100000) for m in "abc"] + [("c", 500000), ("c", 1500000)], 100000),
        (500000, [("c", 100000), ("c", 500000), ("c", 1500000)], 500000),
        # All models at the largest scale alone, as in a demo.
        (100000, [("c", 800), ("c", 2400), ("a", 8000), ("b", 8000), ("c", 8000)], 8000),
        # All models at all scales: the nearest in ratio.
        (100000, [(m, s) for m in "abc" for s in (50000, 250000)], 50000),
        # None of the table's models.
        (100000, [("x", 800), ("x", 2400)], 2400),
    ],
)
def test_our_scale_is_that_of_most_models_and_then_the_nearest(paper, runs, scale):
    assert scale_like(paper, runs, "abc") == scale


@pytest.mark.parametrize(
    ("model", "values", "note"),
    [
        ("ridge", {}, ""),
        ("ridge", {"looks_at_spectrum": True, "given": []}, ""),
        ("class_mean", CLASS_MEAN, GIVEN_CLASS),
        ("from_parameters", FROM_PARAMETERS, GIVEN_PARAMETERS),
        ("cnn", {"given": ["class"]}, "cnn is given LAMOST's class of each star."),
    ],
)
def test_the_note_of_a_model_is_what_its_manifest_says(tmp_path, model, values, note):
    path = write_manifest(tmp_path, f"{model}-lamost-20", kind=model, unknown=[1], **values)
    assert Manifest.read(path).note(model) == note


def test_a_name_of_a_model_of_the_paper_may_have_a_hyphen():
    assert RunName.of("ResNet-50-apogee-40") == RunName("ResNet-50", "apogee", 40)


def test_a_run_given_twice_is_refused(tmp_path):
    paths = [tmp_path / "m-x-1" / "x.parquet"] * 2
    with pytest.raises(InputError, match="a run given twice"):
        by_run(paths)
