"""The code that decides an adapter's weights."""

from spectralm.fingerprint import code_of

#: Modules of which it is the import closure. The values of options are part of a training's key, so
#: the code that declares them is not.
ROOTS = ("spectralm.llm.learner", "spectralm.llm.recipe")
WITHOUT = frozenset({"spectralm.llm.options"})


def weights_code() -> str:
    """Its hash; code that evaluates, saves, answers, calibrates or tabulates does not change it."""
    return code_of(*ROOTS, without=WITHOUT)
