"""Table 7: stellar parameters by class, judged by Gaia-ESO and GALAH."""

from collections.abc import Sequence

from spectralm.evaluation.by_survey import survey_rows, survey_table
from spectralm.evaluation.comparison import Compared
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import Table

TITLE = "Beside the paper"
TRAINED_ON = "lamost"
Row = Compared


def rows(inputs: Inputs) -> list[Compared]:
    """Ours and the paper's, a row per number."""
    return survey_rows(inputs, 7, TRAINED_ON)


def table(rows: Sequence[Compared], inputs: Inputs) -> Table:
    """A panel per survey and label."""
    return survey_table(rows, inputs, TRAINED_ON)
