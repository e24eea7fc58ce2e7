"""Probabilities of the numbers that a model writes digit by digit, without sampling.

All continuations that are probable enough are followed, digit by digit, until the interval of their
values is as narrow as the label's step. The branches of a number stand side by side after the
prompt, and each token sees its own branch alone, so that the model reads the long prompt only once.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from peft import PeftModel
from transformers import Cache, DynamicCache
from transformers.cache_utils import CacheLayerMixin

from spectralm.labels.vocabulary import Label
from spectralm.language.answers import CharactersAnswer

#: Branches of a lower probability are followed no further.
LEAST_PROBABILITY = 0.005

#: Allowed tokens in a state of the grammar, and the state after each.
After = Callable[[int], Mapping[int, int]]


@dataclass(frozen=True)
class Written:
    """One row of a generated batch."""

    tokens: list[int]
    """Those of the answer, and padding."""
    scores: torch.Tensor
    """The model's scores [tokens, vocabulary] before each token."""
    cache: Cache
    """Keys and values of the row."""
    prompt: slice
    """The part of the cache that is the prompt; the answer follows."""
    position: int
    """Position of the answer's first token."""


def row_of(cache: Cache, row: int) -> Cache:
    """The cache of one row."""
    single = DynamicCache()
    for number, layer in enumerate(cache.layers):
        assert isinstance(layer, CacheLayerMixin)
        assert layer.keys is not None
        assert layer.values is not None
        single.update(layer.keys[row : row + 1], layer.values[row : row + 1], number)
    return single


def spelled_probabilities(
    model: PeftModel,
    answer: CharactersAnswer,
    text: str,
    written: Written,
    after: After,
    texts: Mapping[int, str],
) -> Iterator[tuple[Label, tuple[np.ndarray, np.ndarray]]]:
    """Edges [n + 1] and probabilities [n] of each number of an answer, given the text before it.

    Args:
        model: base with adapter.
        answer: the spelling.
        text: the answer.
        written: its tokens, with scores and cache.
        after: the answer's grammar.
        texts: text of each token.
    """
    starts, states = [0], [0]
    while starts[-1] < len(text):
        token = written.tokens[len(starts) - 1]
        starts.append(starts[-1] + len(texts[token]))
        states.append(after(states[-1])[token])
    length = written.cache.get_seq_length()
    with _sdpa(model):
        for label, place, _ in answer.slots_of(text):
            if label is None:
                continue
            # The space before a number can be one token together with the number's sign.
            root = bisect_left(starts, place) - 1
            trunk = torch.zeros(length, dtype=torch.bool, device=written.scores.device)
            trunk[written.prompt.start : written.prompt.stop + root] = True
            tree = Tree(model, written.cache, trunk, written.position + root)
            interval = partial(_interval, answer, label, place - starts[root])
            scores = written.scores[root]
            start = (states[root], scores)
            yield label, number_probabilities(tree, after, texts, start, interval, label.step)


def _interval(
    answer: CharactersAnswer, label: Label, lead: int, text: str
) -> tuple[float, float] | None:
    return answer.interval(label, text[lead:])


@dataclass
class Branch:
    """A continuation: its text so far, and its probability."""

    text: str
    probability: float
    state: int
    """State of the grammar after the text."""
    unread: tuple[int, ...] = ()
    """Its last tokens, which the model has not read."""
    place: int = -1
    """Index in the tree of the last token that the model has read; -1 is the trunk."""


class Tree:
    """Tokens after one row's cache, each of which sees the trunk and its own branch.

    Args:
        model: base with adapter.
        cache: keys and values of one row; it grows, and :meth:`close` cuts it back.
        trunk: the part of the cache that all tokens see, bool [length].
        position: of the first token after the trunk.
    """

    def __init__(self, model: PeftModel, cache: Cache, trunk: torch.Tensor, position: int):
        self.model, self.cache, self.trunk, self.position = model, cache, trunk, position
        self.sees = torch.zeros(0, 0, dtype=torch.bool, device=trunk.device)
        self.depths: list[int] = []

    def read(self, branches: Sequence[Branch]) -> torch.Tensor:
        """Let the model read the unread tokens of branches; scores after each [n, vocabulary]."""
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
        """Cut the cache back to its original length."""
        if self.depths:
            self.cache.crop(-len(self.depths))

    def _add(self, parent: int) -> None:
        size = len(self.depths)
        grown = torch.zeros(size + 1, size + 1, dtype=torch.bool, device=self.sees.device)
        grown[:size, :size] = self.sees
        if parent >= 0:
            grown[size, :size] = self.sees[parent]
        grown[size, size] = True
        self.sees = grown
        self.depths.append(self.depths[parent] + 1 if parent >= 0 else 0)


@contextmanager
def _sdpa(model: PeftModel) -> Iterator[None]:
    """Use SDPA inside the block, since it accepts masks of any shape."""
    configured = model.config._attn_implementation
    model.set_attn_implementation("sdpa")
    try:
        yield
    finally:
        model.set_attn_implementation(configured)


def number_probabilities(
    tree: Tree,
    after: After,
    texts: Mapping[int, str],
    root: tuple[int, torch.Tensor],
    interval: Callable[[str], tuple[float, float] | None],
    narrow: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Edges [n + 1] and probabilities [n] of the numbers that begin at the end of the trunk.

    Numbers outside the label's range are left out.

    Args:
        tree: the trunk, without branches.
        after: the answer's grammar.
        texts: text of each token.
        root: state at the end of the trunk, and the model's scores there [vocabulary].
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
            if span[1] - span[0] <= 1.001 * narrow or branch.probability < LEAST_PROBABILITY:
                leaves.append((*span, branch.probability))
            else:
                followed.append(branch)
        growing = [
            child
            for branch, row in zip(followed, tree.read(followed) if followed else (), strict=True)
            for child in _children(branch, row, after, texts)
        ]
    tree.close()
    edges = [edge for low, high, _ in sorted(leaves) for edge in (low, high)]
    # Between two intervals the probability is zero.
    probabilities = [part for *_, probability in sorted(leaves) for part in (probability, 0.0)]
    return np.array(edges), np.array(probabilities[:-1])


def _children(
    branch: Branch,
    scores: torch.Tensor,
    after: After,
    texts: Mapping[int, str],
) -> list[Branch]:
    """The branch, continued by each allowed token and by the tokens that must follow it."""
    steps = after(branch.state)
    probabilities = torch.softmax(scores[list(steps)].float(), dim=-1).tolist()
    children = []
    for (token, state), share in zip(steps.items(), probabilities, strict=True):
        text, unread = branch.text + texts[token], [token]
        while len(following := after(state)) == 1 and texts.keys() >= following.keys():
            ((token, state),) = following.items()
            text += texts[token]
            unread.append(token)
        if share > 0:
            probability = branch.probability * share
            children.append(Branch(text, probability, state, tuple(unread), branch.place))
    return children
