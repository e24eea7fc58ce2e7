"""Table 8: abundances by element, against Gaia-ESO and GALAH."""

from functools import partial

from spectralm.evaluation.by_survey import survey_rows, survey_table
from spectralm.evaluation.comparison import Compared

TITLE = "Comparison with the paper"
Row = Compared
rows = partial(survey_rows, number=8, trained_on="apogee")
table = partial(survey_table, trained_on="apogee")
