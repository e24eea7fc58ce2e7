"""Chances of the numbers that a model spells digit by digit, without sampling.

All ways to go on that are likely enough are followed, digit by digit, until they are as narrow as
the label's step. The branches of a number stand side by side behind the prompt, each token seeing
its own branch alone, so that the model reads the long prompt once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from transformers import Cache

#: Branches less likely than this are followed no further.
LEAST_CHANCE = 0.005


@dataclass
class Branch:
    """A way to go on: what is written so far, and how likely it is."""

    text: str
    chance: float
    state: int
    """Of the grammar."""
    unread: tuple[int, ...] = ()
    """Its last tokens, which the model has not read."""
    place: int = -1
    """Of the last token that the model has read, in the tree; -1 is the trunk."""


class Tree:
    """Tokens behind one row's cache, each of which sees the trunk and its own branch.

    Args:
        cache: keys and values of one row, cut back by :meth:`close`.
        trunk: which of them are seen, bool [length].
        position: of the first token behind the trunk.
    """

    def __init__(self, model: torch.nn.Module, cache: Cache, trunk: torch.Tensor, position: int):
        self.model, self.cache, self.trunk, self.position = model, cache, trunk, position
        self.sees = torch.zeros(0, 0, dtype=torch.bool, device=trunk.device)
        self.depths: list[int] = []

    def read(self, branches: Sequence[Branch]) -> torch.Tensor:
        """Let the model read what is unread of each branch; scores of what follows [n, tokens]."""
        first = len(self.depths)
        tokens, ends = [], []
        for branch in branches:
            for token in branch.unread:
                self._add(branch.place)
                branch.place = len(self.depths) - 1
                tokens.append(token)
            branch.unread = ()
            ends.append(branch.place - first)
        device = self.trunk.device
        new = self.sees[first:]
        mask = torch.cat([self.trunk.expand(len(new), -1), new], dim=1)
        depths = torch.tensor(self.depths[first:], device=device)
        logits = self.model(
            input_ids=torch.tensor([tokens], device=device),
            attention_mask=mask[None, None],
            position_ids=self.position + depths[None],
            past_key_values=self.cache,
            use_cache=True,
        ).logits
        return logits[0, ends].float()

    def close(self) -> None:
        """Cut the cache back to the trunk's length."""
        self.cache.crop(len(self.trunk))

    def _add(self, parent: int) -> None:
        size = len(self.depths)
        grown = torch.zeros(size + 1, size + 1, dtype=torch.bool, device=self.sees.device)
        grown[:size, :size] = self.sees
        if parent >= 0:
            grown[size, :size] = self.sees[parent]
        grown[size, size] = True
        self.sees = grown
        self.depths.append(self.depths[parent] + 1 if parent >= 0 else 0)


def number_chances(
    tree: Tree,
    after: Callable[[int], dict[int, int]],
    texts: Sequence[str],
    root: tuple[int, torch.Tensor],
    interval: Callable[[str], tuple[float, float] | None],
    narrow: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Edges [n + 1] and chances [n] of the numbers that begin at the end of the trunk.

    Numbers outside the label's range are left out, as are branches that are too unlikely.

    Args:
        after: allowed tokens in a state of the grammar, and the state after each.
        texts: of all tokens.
        root: state at the end of the trunk, and the model's scores there [tokens].
        interval: of the numbers that begin with a text; None if all are out of range.
        narrow: width of an interval that is followed no further.
    """
    leaves: list[tuple[float, float, float]] = []
    growing = _children(Branch("", 1.0, root[0]), root[1], after, texts)
    while growing:
        followed = []
        for branch in growing:
            span = interval(branch.text)
            if span is None:
                continue
            if span[1] - span[0] <= 1.001 * narrow or branch.chance < LEAST_CHANCE:
                leaves.append((*span, branch.chance))
            else:
                followed.append(branch)
        scores = tree.read(followed) if followed else []
        growing = [
            child
            for branch, row in zip(followed, scores, strict=True)
            for child in _children(branch, row, after, texts)
        ]
    tree.close()
    edges = [edge for low, high, _ in sorted(leaves) for edge in (low, high)]
    chances = [part for *_, chance in sorted(leaves) for part in (chance, 0.0)]
    return np.array(edges), np.array(chances[:-1])


def _children(
    branch: Branch,
    scores: torch.Tensor,
    after: Callable[[int], dict[int, int]],
    texts: Sequence[str],
) -> list[Branch]:
    """Ways to go on by one token and by what must follow it."""
    steps = after(branch.state)
    chances = torch.softmax(scores[list(steps)].float(), dim=-1).tolist()
    children = []
    for (token, state), chance in zip(steps.items(), chances, strict=True):
        text, unread = branch.text + texts[token], (token,)
        while len(following := after(state)) == 1:
            ((token, state),) = following.items()
            text, unread = text + texts[token], (*unread, token)
        if chance > 0:
            children.append(Branch(text, branch.chance * chance, state, unread, branch.place))
    return children
