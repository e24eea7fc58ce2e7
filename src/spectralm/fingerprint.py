"""A hash of the code that a command runs, which comments and docstrings do not change.

Snakemake sees only the text of a shell command; with the hash as a parameter of the rule, it
detects that the code of the command has changed.
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
    """The modules of the package that are run when a module is imported, itself included.

    The top package is left out: it contains the version, which is not code.
    """
    found = {module} | _imports().find_upstream_modules(module)
    packages = {name.rpartition(".")[0] for name in found}
    return (found | packages) - {"", "spectralm"}


def source(module: str) -> Path:
    """The file of a module of the package."""
    path = ROOT.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def normal_form(code: str) -> str:
    """The syntax tree of a file, without comments, layout and docstrings."""
    return ast.dump(_DocstringRemover().visit(ast.parse(code)))


class _DocstringRemover(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node


@cache
def fingerprint(command: str, *others: str) -> str:
    """Hash of the code of a subcommand, such as ``resample_spectra``.

    ``others`` are modules that it imports by name at run time.
    """
    return code_of(f"spectralm.cli.{command}", *others)


def code_of(*modules: str, without: frozenset[str] = frozenset()) -> str:
    """Hash of the code of modules and of all modules that they import, except ``without``."""
    digest = hashlib.sha256()
    for module in sorted(set().union(*map(import_closure, modules)) - without):
        digest.update(f"{module}\n{normal_form(source(module).read_text())}\n".encode())
    return digest.hexdigest()[:16]
