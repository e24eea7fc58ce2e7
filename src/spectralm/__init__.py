"""SpectraLM: stellar labels from spectra by language models (arXiv:2605.22162)."""

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astropy.table import Table

__version__ = "0.1.0"


def __getattr__(name: str) -> Callable[..., "Table"]:
    # Imported by name, so that `import spectralm` is fast and no command's fingerprint includes it.
    if name == "predict":
        return importlib.import_module("spectralm.inference.predict").predict
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
