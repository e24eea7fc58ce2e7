"""The command line: one module per subcommand, named like its rule.

A subcommand is a module with a function ``run`` whose keyword-only parameters are its options:
``Path`` and ``list[Path]`` are files, an :class:`~spectralm.options.Options` class is given as
JSON, and each field of a dataclass is an option; ``*files`` are arguments without a name, at least
one. Modules are imported when they are
called, so that a catalogue rule never loads torch and the code a rule depends on is what its module
imports.
"""

import argparse
import dataclasses
import importlib
import inspect
import logging
import pkgutil
import sys
import types
import typing
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from spectralm.errors import SpectraLMError
from spectralm.libraries import set_up_libraries
from spectralm.options import Options


def commands() -> list[str]:
    """Names of all subcommands."""
    return [module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; returns the exit status."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    set_up_libraries()
    parser = argparse.ArgumentParser(prog="spectralm", description="Spectra as language.")
    names = commands()
    parser.add_argument("command", choices=names, metavar="COMMAND", help=", ".join(names))
    parser.add_argument("rest", nargs=argparse.REMAINDER, help="COMMAND --help tells")
    given = parser.parse_args(arguments)
    run = importlib.import_module(f"{__name__}.{given.command.replace('-', '_')}").run
    values = vars(_parser(given.command, run).parse_args(given.rest))
    unnamed, named = [], {}
    for parameter, kind in _parameters(run):
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            unnamed = values[parameter.name]
        elif isinstance(kind, type) and dataclasses.is_dataclass(kind):
            fields = {field.name: values[field.name] for field in dataclasses.fields(kind)}
            named[parameter.name] = kind(**fields)
        else:
            named[parameter.name] = values[parameter.name]
    try:
        run(*unnamed, **named)
    except SpectraLMError as error:
        print(f"spectralm {given.command}: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parameters(run: Callable[..., None]) -> Iterator[tuple[inspect.Parameter, Any]]:
    """The parameters of a subcommand and their types."""
    hints = typing.get_type_hints(run)
    for name, parameter in inspect.signature(run).parameters.items():
        yield parameter, hints[name]


def _parser(command: str, run: Callable[..., None]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"spectralm {command}", description=inspect.getdoc(run))
    for parameter, kind in _parameters(run):
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            metavar = parameter.name[:-1].upper()
            parser.add_argument(parameter.name, nargs="+", type=kind, metavar=metavar)
        elif dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(kind)
            for field in dataclasses.fields(kind):
                factory = field.default_factory
                default = field.default if factory is dataclasses.MISSING else factory()
                _add_option(parser, field.name, hints[field.name], default)
        else:
            _add_option(parser, parameter.name, kind, parameter.default)
    return parser


def _add_option(parser: argparse.ArgumentParser, name: str, kind: Any, default: Any) -> None:
    required = default is inspect.Parameter.empty
    settings: dict[str, Any] = {"required": required, "default": None if required else default}
    if typing.get_origin(kind) is types.UnionType:
        kind = typing.get_args(kind)[0]
    if typing.get_origin(kind) is list:
        settings |= {"nargs": "*", "type": typing.get_args(kind)[0]}
    elif isinstance(kind, type) and issubclass(kind, Options):
        settings |= {"type": _reader(kind), "metavar": "JSON"}
    else:
        settings |= {"type": kind}
    parser.add_argument("--" + name.replace("_", "-"), **settings)


def _reader(kind: type[Options]) -> Callable[[str], Options]:
    def read(text: str) -> Options:
        try:
            return kind.model_validate_json(text)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read
