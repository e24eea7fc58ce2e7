"""What is shown is named in its caption, and what several tables need is computed once."""

import pytest
from evaluation.rows import rows_of, write_residuals

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.options import EvaluationOptions

OPTIONS = EvaluationOptions(
    resamples=20, failed={"gru-lamost-20": "out of memory"}, note="All synthetic."
)


@pytest.mark.parametrize(
    ("at", "caption"),
    [
        ("lamost-20", "20 of lamost. Failed, so not here: gru-lamost-20 (out of memory)."),
        ("lamost-200", "200 of lamost."),
        ("tiny_paper-lamost-20", "20 of lamost."),
        ("apogee", " of apogee."),
        ("", " of ."),
    ],
)
def test_the_caption_has_dataset_scale_and_failed_runs(at, caption):
    inputs = Inputs(at=at, options=OPTIONS)
    assert inputs.caption("{scale} of {dataset}.") == caption
    assert inputs.figure_caption("{scale} of {dataset}.") == f"{caption} All synthetic."


def test_statistics_are_those_of_the_runs_own_dataset(tmp_path):
    columns = {"class": ["A", "A"], "teff_residual": [10.0, 30.0]}
    files = [
        write_residuals(tmp_path, "llm-lamost-20", dataset, rows_of(**columns))
        for dataset in ("lamost", "galah")
    ]
    inputs = Inputs(options=OPTIONS, residuals=files)
    (rows,) = inputs.statistics.values()
    assert {row.run for row in rows} == {"llm-lamost-20"}
    assert inputs.statistics is inputs.statistics
