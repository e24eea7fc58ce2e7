"""Tables and figures, found by the names of their modules.

A table is a module of :mod:`spectralm.evaluation.tables`, a figure one of
:mod:`spectralm.evaluation.figures`; docs/adding_a_table.md says what is in one.
"""

import importlib
import pkgutil
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from spectralm.errors import InputError
from spectralm.evaluation import figures, tables
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class TableModule(Protocol):
    """A module of :mod:`spectralm.evaluation.tables`."""

    TITLE: str
    Row: type
    """The dataclass of a row of the tidy table."""

    def rows(self, inputs: Inputs) -> Sequence[Any]:
        """The tidy table."""

    def table(self, rows: Sequence[Any], inputs: Inputs) -> Table:
        """The table for people, of the tidy table alone."""


class FigureModule(Protocol):
    """A module of :mod:`spectralm.evaluation.figures`."""

    TITLE: str
    CAPTION: str

    def draw(self, inputs: Inputs) -> "Figure":
        """The figure."""


def names_in(package: ModuleType) -> list[str]:
    """The names of all tables, or of all figures."""
    return [module.name for module in pkgutil.iter_modules(package.__path__)]


def find(package: ModuleType, name: str) -> Any:
    """The module of a table or figure. Raises InputError for an unknown one."""
    known = names_in(package)
    if name not in known:
        raise InputError(package.__name__, "name", repr(name), f"give one of {', '.join(known)}")
    return importlib.import_module(f"{package.__name__}.{name}")


def find_table(name: str) -> TableModule:
    """The table of a name. Raises InputError for an unknown one."""
    return find(tables, name)


def find_figure(name: str) -> FigureModule:
    """The figure of a name. Raises InputError for an unknown one."""
    return find(figures, name)
