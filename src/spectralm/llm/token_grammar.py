"""The grammar of an answer as sets of allowed tokens."""

from collections.abc import Iterable, Sequence
from functools import cached_property

import torch
from transformers import LogitsProcessor, PreTrainedTokenizerBase

from spectralm.language.grammar import Grammar


class TokenTexts(dict[int, str]):
    """The texts of all tokens that are not special, by token id."""

    @cached_property
    def trie(self) -> dict[str, list[int]]:
        """A prefix tree: the tokens of each text, and every prefix of a text (maybe no token)."""
        trie: dict[str, list[int]] = {}
        for token, text in self.items():
            for end in range(1, len(text)):
                trie.setdefault(text[:end], [])
            trie.setdefault(text, []).append(token)
        return trie


def token_texts(tokenizer: PreTrainedTokenizerBase) -> TokenTexts:
    """The texts of a tokenizer's tokens, without special and empty ones."""
    texts = decode(tokenizer, [[token] for token in range(len(tokenizer))])
    return TokenTexts((token, text) for token, text in enumerate(texts) if text)


def decode(tokenizer: PreTrainedTokenizerBase, rows: Iterable[Sequence[int]]) -> list[str]:
    """The texts of rows of tokens, without special tokens.

    By default Llama-3's tokenizer would drop spaces before a point.
    """
    return tokenizer.batch_decode(
        [list(row) for row in rows], skip_special_tokens=True, clean_up_tokenization_spaces=False
    )


class TokenGrammar:
    """A grammar as sets of allowed tokens: those whose text consists of whole pieces.

    Args:
        grammar: of which no two paths have the same text.
        texts: text of each token.
        end: id of the end token.
    """

    def __init__(self, grammar: Grammar, texts: TokenTexts, end: int):
        self.grammar = grammar
        self.trie = texts.trie
        self.end = end
        self.steps: dict[int, dict[int, int]] = {}

    def after(self, state: int) -> dict[int, int]:
        """Allowed tokens in a state, and the state after each; the end token leads to itself."""
        if state not in self.steps:
            self.steps[state] = self._after(state)
        return self.steps[state]

    def _after(self, state: int) -> dict[int, int]:
        """Walk grammar and trie together, as far as the trie reaches."""
        steps = {self.end: state} if state == self.grammar.final else {}
        waiting = [("", state)]
        while waiting:
            start, reached = waiting.pop()
            for piece, end in self.grammar.edges[reached].items():
                tokens = self.trie.get(start + piece)
                if tokens is not None:
                    steps.update(dict.fromkeys(tokens, end))
                    waiting.append((start + piece, end))
        return steps

    @cached_property
    def longest(self) -> int:
        """Most tokens of an answer: the longest path through the grammar, and the end token."""
        longest = {self.grammar.final: 1}
        waiting = [0]
        while waiting:
            state = waiting[-1]
            ends = set(self.grammar.edges[state].values())
            unknown = ends - longest.keys()
            if unknown:
                waiting.extend(unknown)
            else:
                longest[waiting.pop()] = 1 + max((longest[end] for end in ends), default=0)
        return longest[0]


class GrammarProcessor(LogitsProcessor):
    """Excludes all tokens that a row's grammar does not allow.

    Args:
        grammars: of the rows.
        prompt_length: tokens before the answers.
    """

    def __init__(self, grammars: Sequence[TokenGrammar], prompt_length: int):
        self.grammars = grammars
        self.prompt_length = prompt_length

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Scores [rows, vocabulary] with -inf for each token that is not allowed."""
        allowed = torch.full_like(scores, float("-inf"))
        answers = input_ids[:, self.prompt_length :].tolist()
        for row, (grammar, tokens) in enumerate(zip(self.grammars, answers, strict=True)):
            state = 0
            for token in tokens:
                # Padding after the end of an answer is outside the grammar.
                state = grammar.after(state).get(token, grammar.grammar.final)
            permitted = list(grammar.after(state))
            allowed[row, permitted] = scores[row, permitted]
        return allowed
