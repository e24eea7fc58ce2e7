"""Groups of elements, and what is read from lines."""

import numpy as np
import pytest
from evaluation.rows import CLASS_MEAN, FROM_PARAMETERS, rows_of, tabulate, write_residuals

from spectralm.evaluation.elements import (
    CORRELATIONS,
    LINES,
    MODERATE,
    OTHER_LINES,
    OWN_LINES,
    PAPERS_GROUPS,
    WEAK,
    WELL,
    elements,
    group_of,
    paired_ratio,
    source_of,
)
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.published import read_published
from spectralm.evaluation.runs import Manifest
from spectralm.labels.vocabulary import Targets

OPTIONS = EvaluationOptions(resamples=200)
MANIFESTS = {
    "llm_abundances-apogee-40": Manifest(),
    "from_parameters-apogee-40": Manifest(
        looks_at_spectrum=False, given=tuple(FROM_PARAMETERS["given"])
    ),
    "class_mean-apogee-40": Manifest(looks_at_spectrum=False, given=tuple(CLASS_MEAN["given"])),
}


@pytest.mark.parametrize(
    ("sigmas", "group"),
    [
        ((0.14, 0.05), WELL),
        ((0.05, 0.141), MODERATE),
        ((0.2, None), MODERATE),
        ((0.05, 0.21), WEAK),
        ((None, None), None),
    ],
)
def test_the_larger_sigma_makes_the_group(sigmas, group):
    assert group_of(sigmas, OPTIONS) == group


def test_the_rule_puts_all_of_the_papers_elements_but_nitrogen_where_the_paper_does(repository):
    sigmas = {}
    for row in read_published(repository / "resources" / "published" / "table8.csv"):
        if row.quantity == "sigma":
            sigmas.setdefault(row.label, []).append(row.value)
    assert sigmas.keys() == PAPERS_GROUPS.keys()
    ours = {label: group_of(both, OPTIONS) for label, both in sigmas.items()}
    others = {label for label in ours if ours[label] != PAPERS_GROUPS[label]}
    assert others == {"n_fe"}


@pytest.mark.parametrize(
    ("high", "trivial", "bound", "source"),
    [
        (1.0, 0.1, 0.01, CORRELATIONS),
        (0.9, 0.1, None, LINES),
        (0.9, 0.1, 0.1, OWN_LINES),
        (0.9, 0.1, float("inf"), OTHER_LINES),
        (None, 0.1, 0.01, None),
    ],
)
def test_where_an_element_is_read_from(high, trivial, bound, source):
    assert source_of(high, trivial, bound) == source


def test_the_ratio_is_of_pairs_so_what_both_miss_does_not_widen_its_interval():
    random = np.random.default_rng(0)
    shared = 5 * random.standard_t(3, 400)
    ratio, low, high = paired_ratio(0.9 * shared, shared, np.arange(400), OPTIONS)
    assert (ratio, low, high) == pytest.approx((0.9, 0.9, 0.9))
    alone = paired_ratio(np.ones(2), np.full(2, 2.0), np.zeros(2, int), OPTIONS)
    assert alone == (0.5, None, None)
    assert paired_ratio(np.array([]), np.array([]), np.array([]), OPTIONS) == (None,) * 3


@pytest.fixture
def tables():
    """Magnesium is read, titanium is not, oxygen is read though its lines say nothing."""
    random = np.random.default_rng(1)
    n = 300
    noise = {name: random.normal(0, 0.1, n) for name in ("mg", "ti", "o")}
    limits = {"mg_fe_bound": [0.03] * n, "o_fe_bound": [0.5] * n, "mg_fe_label_error": [0.04] * n}
    limits |= {"mg_fe_predicted": list(noise["ti"]), "mg_fe_true": [0.0] * n}
    llm = {"mg": 0.5 * noise["mg"], "ti": noise["ti"], "o": 0.5 * noise["o"]}

    def rows(residuals, **more):
        named = {f"{name}_fe_residual": list(r) for name, r in residuals.items()}
        return rows_of(Targets.ABUNDANCES, **{"class": ["G"] * n}, **named, **more)

    trivial = rows(noise)
    return {
        "llm_abundances-apogee-40": rows(llm, **limits),
        "from_parameters-apogee-40": trivial.take(random.permutation(n)),
        "class_mean-apogee-40": trivial,
    }


def test_elements_of_runs_that_look_at_spectra(tables):
    run = "llm_abundances-apogee-40"
    few = rows_of(Targets.ABUNDANCES, **{"class": ["G"] * 9, "mg_fe_residual": [0.0, 1.0, 2.0] * 3})
    many = rows_of(Targets.ABUNDANCES, **{"class": ["G"] * 10, "mg_fe_residual": [0.1, 0.3] * 5})
    outside = {(run, "galah"): many, (run, "gaia_eso"): few}
    found = elements(tables, outside, MANIFESTS, OPTIONS)
    rows = {row.label: row for row in found}
    assert {row.run for row in found} == {run}
    mg = rows["mg_fe"]
    assert mg.ratio == pytest.approx(0.5)
    assert mg.source == OWN_LINES
    ti = rows["ti_fe"]
    assert mg.floor_ratio == pytest.approx(1, rel=0.15)
    assert mg.truth_std == pytest.approx(ti.rmse, rel=0.02)
    assert (rows["o_fe"].floor_ratio, ti.truth_std) == (None, None)
    assert (mg.sigma_galah, mg.sigma_gaia_eso) == (pytest.approx(0.1), None)
    assert (mg.group, mg.group_paper) == (WELL, WELL)
    assert rows["o_fe"].source == OTHER_LINES
    assert (ti.source, ti.group) == (CORRELATIONS, None)
    ce = rows["ce_fe"]
    assert (ce.used, ce.rmse, ce.ratio, ce.floor_ratio, ce.source) == (0, *(None,) * 4)


def test_without_the_trivial_model_nothing_is_said_of_where_from(tmp_path):
    table = rows_of(Targets.ABUNDANCES, **{"class": ["G", "G"], "mg_fe_residual": [0.1, 0.3]})
    path = write_residuals(tmp_path, "ridge-apogee-40", "apogee", table)
    written = tabulate(tmp_path, "elements", at="apogee-40", residuals=[path], options=OPTIONS)
    assert "(from_parameters) was not run" in written.markdown
    assert "No external survey" in written.markdown
    line = "| [Mg/Fe] | – | well determined | – | – | 2 | 0.224 | – | – | – | – | – |"
    assert line in written.markdown
    assert len(written.rows) == 21
