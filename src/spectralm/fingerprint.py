"""What code a command runs, as a hash that comments and docstrings do not change.

Snakemake sees only the text of a shell command; this is how it learns that the code behind the
command has changed.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

import grimp

import spectralm

ROOT = Path(spectralm.__file__).parent


@cache
def _imports() -> grimp.ImportGraph:
    return grimp.build_graph("spectralm", cache_dir=None)


def import_closure(module: str) -> set[str]:
    """A module of the package and all that importing it runs.

    The top package holds the version alone and is left out: a release is no changed code.
    """
    found = {module} | _imports().find_upstream_modules(module)
    packages = {name.rpartition(".")[0] for name in found}
    return (found | packages) - {"", "spectralm"}


def source(module: str) -> Path:
    """The file of a module of the package."""
    path = ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def normal_form(code: str) -> str:
    """The syntax tree of a file, without comments, layout and docstrings."""
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [line for line in body if not _is_text(line)]
    return ast.dump(tree)


def _is_text(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def fingerprint(command: str, *others: str) -> str:
    """Hash of the code of a subcommand, such as ``resample_spectra``.

    ``others`` are modules that it imports by name at run time.
    """
    return code_of(f"spectralm.cli.{command}", *others)


def code_of(*modules: str, without: frozenset[str] = frozenset()) -> str:
    """Hash of the code of modules and of all that importing them runs, some modules left out."""
    digest = hashlib.sha256()
    for module in sorted(set().union(*map(import_closure, modules)) - without):
        digest.update(f"{module}\n{normal_form(source(module).read_text())}\n".encode())
    return digest.hexdigest()[:16]
