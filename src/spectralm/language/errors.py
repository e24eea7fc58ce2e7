"""What goes wrong between text and numbers."""


class ParseError(ValueError):
    """A text that is not, to the letter, one of ours; it is counted and never guessed at."""


class RangeError(ValueError):
    """A number that the chosen spelling cannot write."""
