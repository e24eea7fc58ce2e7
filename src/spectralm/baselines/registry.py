"""The kinds of baselines, found by the names of their modules.

A kind's code is imported when its class is asked for; its options alone load nothing heavy.
"""

import importlib
import json
import pkgutil
from functools import cache
from pathlib import Path
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
    """The options of a kind, with its name as the only ``kind`` that they take."""
    module_of(kind)
    base = BaselineOptions
    if kind in _modules(_options):
        base = importlib.import_module(f"{_options.__name__}.{kind}").OPTIONS
    name = f"{kind.title()}Options" if base is BaselineOptions else base.__name__
    description = BaselineOptions.model_fields["kind"].description
    only = (Literal[kind], Field(kind, description=description))
    return create_model(name, __base__=base, __doc__=base.__doc__, kind=only)


def read_options(text: str) -> BaselineOptions:
    """Options as JSON, among them the kind. Raises InputError if the kind does not take them."""
    try:
        kind = json.loads(text)["kind"]
        return options_class(kind).model_validate_json(text)
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise InputError("baseline", "options", str(error), "give JSON with a kind") from error


def load_model(folder: Path) -> Model:
    """The trained model of a folder. Raises InputError if there is no whole one."""
    manifest = manifest_of(folder)
    options = read_options(json.dumps(manifest["options"]))
    return model_class(options.kind).load(folder / WEIGHTS, options, Targets(manifest["targets"]))


def _modules(package) -> list[str]:
    return [module.name for module in pkgutil.iter_modules(package.__path__)]
