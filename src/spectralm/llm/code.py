"""The code that decides an adapter's weights."""

from spectralm.fingerprint import code_of

#: The code is the import closure of these modules. The module that declares the options is left
#: out, since their values are in a training's key.
ROOTS = ("spectralm.llm.learner", "spectralm.llm.recipe")
WITHOUT = frozenset({"spectralm.llm.options"})


def weights_code() -> str:
    """Hash of this code; changes of other code (evaluation, answers, tables) do not change it."""
    return code_of(*ROOTS, without=WITHOUT)
