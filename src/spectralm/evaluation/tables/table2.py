"""Table 2: stellar parameters by class, of the LLM at the largest scale."""

from functools import partial

from spectralm.evaluation.by_class import parameter_rows, parameter_table
from spectralm.evaluation.comparison import Compared

TITLE = "Comparison with the paper"
Row = Compared
rows = partial(parameter_rows, number=2)
table = partial(parameter_table, papers="1,500,000")
