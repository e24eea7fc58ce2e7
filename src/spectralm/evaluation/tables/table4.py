"""Table 4: stellar parameters by class, of the LLM and ResNet-50 at the middle scale."""

from functools import partial

from spectralm.evaluation.by_class import parameter_rows, parameter_table
from spectralm.evaluation.comparison import Compared

TITLE = "Comparison with the paper"
Row = Compared
rows = partial(parameter_rows, number=4)
table = partial(parameter_table, papers="500,000")
