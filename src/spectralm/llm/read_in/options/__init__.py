"""Options of read-ins; those of a kind are the class ``OPTIONS`` in the module of its name."""

from pydantic import PositiveInt

from spectralm.options import Options


class ReadInOptions(Options):
    """How a model reads spectra."""

    kind: str
    """The name of a module of spectralm.llm.read_in.kinds."""

    width: PositiveInt = 128
    """Numbers in a token before it is mapped to the width of the base."""

    def soft_tokens(self, pixels: int) -> int:
        """Number of soft tokens of a spectrum of so many pixels."""
        raise NotImplementedError
