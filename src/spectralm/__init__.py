"""SpectraLM: stellar labels from spectra by language models (arXiv:2605.22162)."""

import importlib

__version__ = "0.1.0"


def __getattr__(name: str):
    # By name, so that `import spectralm` stays light and no command's code includes this.
    if name == "predict":
        return importlib.import_module("spectralm.inference.predict").predict
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
