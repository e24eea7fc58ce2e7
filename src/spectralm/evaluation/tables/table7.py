"""Table 7: stellar parameters by class, against Gaia-ESO and GALAH."""

from functools import partial

from spectralm.evaluation.by_survey import survey_rows, survey_table
from spectralm.evaluation.comparison import Compared

TITLE = "Comparison with the paper"
Row = Compared
rows = partial(survey_rows, number=7, trained_on="lamost")
table = partial(survey_table, trained_on="lamost")
