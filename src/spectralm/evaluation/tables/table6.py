"""Table 6: root mean square of the residuals of abundances, by class and element."""

from functools import partial

from spectralm.evaluation.by_element import abundance_rows, abundance_table
from spectralm.evaluation.comparison import Compared
from spectralm.evaluation.comparison_cells import RMSE, rmse

TITLE = "Comparison with the paper"
Row = Compared
rows = partial(abundance_rows, number=6)
table = partial(abundance_table, cells=rmse, explained=RMSE)
