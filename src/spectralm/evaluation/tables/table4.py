"""Table 4: stellar parameters by class, of the LLM and ResNet-50 at the middle scale."""

from collections.abc import Sequence

from spectralm.evaluation.by_class import parameter_rows, parameter_table
from spectralm.evaluation.comparison import Compared
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import Table

TITLE = "Beside the paper"
Row = Compared


def rows(inputs: Inputs) -> list[Compared]:
    """Ours and the paper's, a row per number."""
    return parameter_rows(inputs, 4)


def table(rows: Sequence[Compared], inputs: Inputs) -> Table:
    """Ours | published | difference per model and class."""
    return parameter_table(rows, inputs, "500,000")
