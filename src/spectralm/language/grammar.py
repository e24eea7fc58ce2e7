"""Which answers are well formed: a finite automaton over short pieces of text.

A piece is a character or a whole three-digit number, as the spelling needs it. In each state a
model may write only tokens that consist of pieces (docs/grammar.md).
"""

from collections.abc import Iterable, Iterator


class Grammar:
    """An automaton whose edges are pieces of text; state 0 is the start."""

    def __init__(self) -> None:
        self.edges: list[dict[str, int]] = [{}]
        self.final: int = 0

    def add_state(self) -> int:
        """A new state without edges."""
        self.edges.append({})
        return len(self.edges) - 1

    def add_edge(self, start: int, piece: str, end: int) -> None:
        """Add an edge: ``piece`` leads from ``start`` to ``end``."""
        self.edges[start][piece] = end

    def add_choice(self, start: int, pieces: Iterable[str], end: int | None = None) -> int:
        """Add an edge to ``end`` (a new state if None) for each of ``pieces``; returns the end."""
        end = self.add_state() if end is None else end
        for piece in pieces:
            self.add_edge(start, piece, end)
        return end

    def add_text(self, start: int, text: str) -> int:
        """Add ``text``, one edge per character; returns the state after it."""
        for character in text:
            start = self.add_choice(start, character)
        return start

    def walk(self, state: int, text: str) -> Iterator[int]:
        """The states that ``text`` can lead to from ``state``."""
        if not text:
            yield state
            return
        for end in range(1, len(text) + 1):
            after = self.edges[state].get(text[:end])
            if after is not None:
                yield from self.walk(after, text[end:])

    def accepts(self, text: str) -> bool:
        """Whether ``text`` is one whole answer."""
        return self.final in self.walk(0, text)
