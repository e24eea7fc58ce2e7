"""Table 6: root mean square of the residuals of abundances, by class and element."""

from collections.abc import Sequence

from spectralm.evaluation.by_element import abundance_rows, abundance_table
from spectralm.evaluation.comparison import Compared
from spectralm.evaluation.comparison_cells import RMSE, rmse
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import Table

TITLE = "Beside the paper"
Row = Compared


def rows(inputs: Inputs) -> list[Compared]:
    """Ours and the paper's, a row per number."""
    return abundance_rows(inputs, 6)


def table(rows: Sequence[Compared], inputs: Inputs) -> Table:
    """A panel per class, a row per element."""
    return abundance_table(rows, inputs, rmse, RMSE)
