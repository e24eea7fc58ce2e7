"""Which answers are well formed: an automaton over short pieces of text.

A piece is what the spelling treats as a unit (a character, or a whole three-digit number). A
model is held to the grammar by allowing, in each state, only tokens that spell out pieces.
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
        """Let ``piece`` lead from one state to another."""
        self.edges[start][piece] = end

    def add_choice(self, start: int, pieces: Iterable[str], end: int | None = None) -> int:
        """Let any of ``pieces`` lead to one state (a new one if ``end`` is None)."""
        end = self.add_state() if end is None else end
        for piece in pieces:
            self.add_edge(start, piece, end)
        return end

    def add_text(self, start: int, text: str) -> int:
        """Let ``text``, character by character, lead on; returns the state after it."""
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
