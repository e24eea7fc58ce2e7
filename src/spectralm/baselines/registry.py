"""The kinds of baselines; a kind's module is imported when it is asked for."""

import importlib

from spectralm.baselines.model import Model
from spectralm.errors import InputError

#: kind -> its module and class
KINDS = {
    "class_mean": ("spectralm.baselines.class_mean", "ClassMean"),
    "ridge": ("spectralm.baselines.ridge", "Ridge"),
}


def model_class(kind: str) -> type[Model]:
    """The class of a kind. Raises InputError for an unknown one."""
    if kind not in KINDS:
        raise InputError("baseline", "kind", repr(kind), f"give one of {', '.join(KINDS)}")
    module, name = KINDS[kind]
    return getattr(importlib.import_module(module), name)
