"""Kinds of models or parts of models: a module each, found by its name.

The module of a kind is imported only when the kind is needed, so that its options can be read
without loading torch or LightGBM.
"""

import importlib
import json
import pkgutil
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, Generic, Literal, TypeVar

from pydantic import Field, ValidationError, create_model

from spectralm.errors import InputError
from spectralm.options import Options

OptionsT = TypeVar("OptionsT", bound=Options)


@dataclass(frozen=True)
class Kinds(Generic[OptionsT]):
    """The kinds of one thing."""

    thing: str
    """What they are kinds of, for messages."""
    modules: ModuleType
    """The package with a module per kind."""
    options: ModuleType
    """The package with the modules of options, of the same names; ``OPTIONS`` is their class. A
    kind without one has the options of ``base`` alone."""
    base: type[OptionsT]
    """The options that all kinds have, with a field ``kind``."""

    def names(self) -> list[str]:
        """All kinds, by name."""
        return _names(self.modules)

    def module_of(self, kind: str) -> str:
        """The module of a kind. Raises InputError for an unknown one."""
        if kind not in self.names():
            found = ", ".join(self.names())
            raise InputError(self.thing, "kind", repr(kind), f"give one of {found}")
        return f"{self.modules.__name__}.{kind}"

    def load(self, kind: str) -> Any:
        """The module of a kind, imported. Raises InputError for an unknown one."""
        return importlib.import_module(self.module_of(kind))

    def options_class(self, kind: str) -> type[OptionsT]:
        """The options of a kind; their field ``kind`` takes no other value."""
        self.module_of(kind)
        return _options_class(self.base, self.options, kind)

    def read_options(self, text: str) -> OptionsT:
        """Options from JSON, with the kind among them. Raises InputError if they are not valid."""
        try:
            kind = json.loads(text)["kind"]
            return self.options_class(kind).model_validate_json(text)
        except (ValidationError, ValueError, KeyError, TypeError) as error:
            raise InputError(self.thing, "options", str(error), "give JSON with a kind") from error


@cache
def _options_class(base: type[OptionsT], options: ModuleType, kind: str) -> type[OptionsT]:
    of_kind = base
    if kind in _names(options):
        of_kind = importlib.import_module(f"{options.__name__}.{kind}").OPTIONS
    name = f"{kind.title()}Options" if of_kind is base else of_kind.__name__
    description = base.model_fields["kind"].description
    only = (Literal[kind], Field(kind, description=description))
    return create_model(
        name,
        __base__=of_kind,
        __doc__=of_kind.__doc__,
        kind=only,  # type: ignore[arg-type]  # Literal of a variable
    )


def _names(package: ModuleType) -> list[str]:
    return [module.name for module in pkgutil.iter_modules(package.__path__)]
