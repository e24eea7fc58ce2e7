"""Table 3: stellar parameters by class, of all models at the smallest scale."""

from functools import partial

from spectralm.evaluation.by_class import parameter_rows, parameter_table
from spectralm.evaluation.comparison import Compared

TITLE = "Comparison with the paper"
Row = Compared
rows = partial(parameter_rows, number=3)
table = partial(parameter_table, papers="100,000")
