"""The command line: one module per subcommand, named like its rule.

A subcommand is a module with a function ``run`` whose keyword-only parameters are its options:
``Path`` and ``list[Path]`` are files, an :class:`~spectralm.options.Options` class is given as
JSON; ``*files`` are arguments without a name, at least one. Modules are imported when they are
called, so that a catalogue rule never loads torch and the code a rule depends on is what its module
imports.
"""

import argparse
import importlib
import inspect
import logging
import pkgutil
import sys
import types
import typing
from collections.abc import Callable, Sequence

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
    options = _parser(given.command, run).parse_args(given.rest)
    named = vars(options)
    unnamed = named.pop(inspect.getfullargspec(run).varargs, [])
    try:
        run(*unnamed, **named)
    except SpectraLMError as error:
        print(f"spectralm {given.command}: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser(command: str, run: Callable[..., None]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"spectralm {command}", description=inspect.getdoc(run))
    hints = typing.get_type_hints(run)
    for name, parameter in inspect.signature(run).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            parser.add_argument(name, nargs="+", type=hints[name], metavar=name[:-1].upper())
            continue
        flag = "--" + name.replace("_", "-")
        required = parameter.default is inspect.Parameter.empty
        settings = {"required": required, "default": None if required else parameter.default}
        kind = hints[name]
        if typing.get_origin(kind) is types.UnionType:
            kind = typing.get_args(kind)[0]
        if typing.get_origin(kind) is list:
            parser.add_argument(flag, nargs="*", type=typing.get_args(kind)[0], **settings)
        elif isinstance(kind, type) and issubclass(kind, Options):
            parser.add_argument(flag, type=_reader(kind), metavar="JSON", **settings)
        else:
            parser.add_argument(flag, type=kind, **settings)
    return parser


def _reader(kind: type[Options]) -> Callable[[str], Options]:
    def read(text: str) -> Options:
        try:
            return kind.model_validate_json(text)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return read
