"""The kinds of baselines, found by the names of their modules.

The module of a kind is imported only when its class is needed, so that its options can be read
without loading torch or LightGBM.
"""

import importlib
import json
import pkgutil
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Literal

from pydantic import Field, ValidationError, create_model

from spectralm.baselines import kinds as _kinds
from spectralm.baselines import options as _options
from spectralm.baselines.model import WEIGHTS, Model, manifest_of
from spectralm.baselines.options import BaselineOptions
from spectralm.errors import InputError
from spectralm.labels.vocabulary import Targets


def kinds() -> list[str]:
    """All kinds, by name."""
    return _modules(_kinds)


def module_of(kind: str) -> str:
    """The module of a kind. Raises InputError for an unknown one."""
    if kind not in kinds():
        raise InputError("baseline", "kind", repr(kind), f"give one of {', '.join(kinds())}")
    return f"{_kinds.__name__}.{kind}"


def model_class(kind: str) -> type[Model]:
    """The class of a kind. Raises InputError for an unknown one."""
    return importlib.import_module(module_of(kind)).MODEL


@cache
def options_class(kind: str) -> type[BaselineOptions]:
    """The options of a kind; their field ``kind`` takes no other value."""
    module_of(kind)
    base = BaselineOptions
    if kind in _modules(_options):
        base = importlib.import_module(f"{_options.__name__}.{kind}").OPTIONS
    name = f"{kind.title()}Options" if base is BaselineOptions else base.__name__
    description = BaselineOptions.model_fields["kind"].description
    only = (Literal[kind], Field(kind, description=description))
    return create_model(
        name,
        __base__=base,
        __doc__=base.__doc__,
        kind=only,  # type: ignore[arg-type]  # Literal of a variable
    )


def read_options(text: str) -> BaselineOptions:
    """Options from JSON, with the kind among them. Raises InputError if they are not valid."""
    try:
        kind = json.loads(text)["kind"]
        return options_class(kind).model_validate_json(text)
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise InputError("baseline", "options", str(error), "give JSON with a kind") from error


def load_model(folder: Path) -> Model:
    """The trained model of a folder. Raises InputError if there is none."""
    manifest = manifest_of(folder)
    options = read_options(json.dumps(manifest["options"]))
    return model_class(options.kind).load(folder / WEIGHTS, options, Targets(manifest["targets"]))


def _modules(package: ModuleType) -> list[str]:
    return [module.name for module in pkgutil.iter_modules(package.__path__)]
