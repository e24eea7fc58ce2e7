"""The code that decides an adapter's weights."""

from spectralm.fingerprint import code_of
from spectralm.llm.options import LlmOptions
from spectralm.llm.read_in.registry import READ_INS

#: The code is the import closure of these modules. The module that declares the options is left
#: out, since their values are in a training's key.
ROOTS = ("spectralm.llm.learner", "spectralm.llm.recipe")
WITHOUT = frozenset({"spectralm.llm.options"})


def weights_code(options: LlmOptions) -> str:
    """Hash of this code; changes of other code (evaluation, answers, tables) do not change it."""
    read_in = [READ_INS.module_of(options.read_in.kind)] if options.read_in else []
    return code_of(*ROOTS, *read_in, without=WITHOUT)
