"""Errors of converting between text and numbers."""


class ParseError(ValueError):
    """A text that differs from what the code writes; it is counted, never interpreted."""


class RangeError(ValueError):
    """A value that the chosen spelling cannot write."""
