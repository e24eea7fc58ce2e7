"""The kinds of baselines, and the trained ones."""

import json
from pathlib import Path

from spectralm.baselines import kinds, options
from spectralm.baselines.model import WEIGHTS, Model, manifest_of
from spectralm.baselines.options import BaselineOptions
from spectralm.kinds import Kinds
from spectralm.labels.vocabulary import Targets

BASELINES = Kinds("baseline", kinds, options, BaselineOptions)


def model_class(kind: str) -> type[Model]:
    """The class of a kind. Raises InputError for an unknown one."""
    return BASELINES.load(kind).MODEL


def load_model(folder: Path) -> tuple[Model, BaselineOptions]:
    """The trained model of a folder, and its options. Raises InputError if there is none."""
    manifest = manifest_of(folder)
    given = BASELINES.read_options(json.dumps(manifest["options"]))
    targets = Targets(manifest["targets"])
    return model_class(given.kind).load(folder / WEIGHTS, given, targets), given
