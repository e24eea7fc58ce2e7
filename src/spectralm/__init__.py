"""SpectraLM: stellar labels from spectra by language models (arXiv:2605.22162)."""

__version__ = "0.1.0"
