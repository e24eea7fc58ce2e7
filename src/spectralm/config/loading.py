"""Reading the config: what is wrong with it is reported by key, with what to do."""

import difflib
import json
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from spectralm.config.options import Config
from spectralm.errors import SpectraLMError
from spectralm.workspace import MANIFEST


def check(config: Mapping[str, Any]) -> Config:
    """Check a config as Snakemake has read it.

    Raises:
        SpectraLMError: a key is wrong; the message names each such key and says what to do.
    """
    try:
        return Config.model_validate_json(json.dumps(config))
    except ValidationError as error:
        lines = [_message(details) for details in error.errors()]
        raise SpectraLMError("the config has errors:\n  " + "\n  ".join(lines)) from None


def load(config: Mapping[str, Any]) -> Config:
    """Check a config as Snakemake has read it, and that its folders and files exist.

    Raises:
        SpectraLMError: a key is wrong or a path is missing; the message names each and says what to
            do.
    """
    checked = check(config)
    missing = [
        f"{key}: {path} is not there; correct the path or fetch the data"
        for key, path in _paths(checked)
        if not (made_here(path) or Path(path).exists())
    ]
    if missing:
        raise SpectraLMError("the config has errors:\n  " + "\n  ".join(missing))
    return _with_notes(checked)


def _with_notes(config: Config) -> Config:
    """The config with a note for all tables on each adapter without a manifest."""
    notes = [
        f"{name} is the adapter of {model.adapter}, which has no manifest: what it was"
        " trained on is unknown."
        for name, model in config.llms.items()
        if name in config.run_models
        and model.adapter is not None
        and not Path(model.adapter, MANIFEST).is_file()
    ]
    note = " ".join(filter(None, [*notes, config.evaluation.note]))
    evaluation = config.evaluation.model_copy(update={"note": note})
    return config.model_copy(update={"evaluation": evaluation})


def made_here(path: str) -> bool:
    """Whether the workflow makes the file of this path itself, such as the demo's sky."""
    return Path(path).is_relative_to("results")


def _paths(config: Config) -> Iterator[tuple[str, str]]:
    lamost = config.surveys.lamost
    yield from (("surveys.lamost.spectra", path) for path in lamost.spectra)
    yield from (("surveys.lamost.catalogues", path) for path in lamost.catalogues)
    for name, path in config.surveys.others.items():
        yield f"surveys.{name}.catalogue", path
    if config.evaluation.floor:
        yield "evaluation.floor", config.evaluation.floor
    for name, model in config.llms.items():
        if name not in config.run_models:
            continue
        if model.adapter is not None:
            yield f"models.{name}.adapter", model.adapter
        # Hub ids look like relative paths, so only these count as paths.
        if model.base.startswith(("/", "./", "../", "~")):
            yield f"models.{name}.base", model.base


#: Keys of earlier versions, with their present names.
_RENAMED = {"demo": "mock"}


def _message(error: ErrorDetails) -> str:
    place = list(error["loc"])
    # Pydantic puts a model's kind after its name; it is no key of the config.
    shown = place[:2] + place[3:] if place[:1] == ["models"] else place
    key = ".".join(map(str, shown)) or "config"
    if error["type"] == "extra_forbidden":
        if key in _RENAMED:
            return f"{key}: is now called {_RENAMED[key]}; rename it"
        known = _known_keys(place[:-1])
        close = difflib.get_close_matches(str(place[-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
        return f"{key}: unknown key; {hint}"
    if error["type"] == "missing":
        return f"{key}: missing; add it (config/config.yaml explains it)"
    if error["type"] == "value_error":
        return f"{key}: {error['ctx']['error']}" if place else str(error["ctx"]["error"])
    return f"{key}: {error['msg']}, found {error['input']!r}; correct its value"


def _known_keys(place: list[str | int]) -> list[str]:
    kind: Any = Config
    for part in place:
        if typing.get_origin(kind) in (dict, list):
            kind = typing.get_args(kind)[-1]
        elif typing.get_origin(kind) is Annotated:
            kinds = typing.get_args(typing.get_args(kind)[0])
            kind = next(k for k in kinds if part in typing.get_args(_annotation(k, "kind")))
        else:
            kind = _annotation(kind, part)
    return sorted(kind.model_fields)


def _annotation(kind: type[BaseModel], field: str | int) -> Any:
    return kind.model_fields[str(field)].annotation
