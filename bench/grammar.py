"""CPU time to find the allowed tokens of a new set of labels, compared with trying every token.

With Llama-3's vocabulary. The time is that of the set's grammar, the length of its longest answer
and the allowed tokens of all states; the best of three runs. It is compared with code without a
prefix tree, which in each state tries every token that starts with the first character of one of
the state's pieces. That code is run once and must allow the same tokens. Prints a Markdown table,
and the time that a tokenizer takes once.

    PYTHONPATH=tests python bench/grammar.py
"""

import time
from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from llm.llama3 import llama3_tokenizer

from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS, Label
from spectralm.language.answers import AnswerText, answer_text
from spectralm.language.options import TextOptions
from spectralm.llm.token_grammar import TokenGrammar, TokenTexts, token_texts

SEED = 0
#: Numbers of abundances in the random sets.
SIZES = (2, 5, 10, 15)

#: Allowed tokens of each state, and the state after each.
Steps = list[dict[int, int]]


def by_trie(answer: AnswerText, texts: TokenTexts, end: int) -> tuple[float, Steps]:
    """CPU seconds and steps of a new set, by the prefix tree."""
    start = time.process_time()
    grammar = TokenGrammar(answer.grammar(), texts, end)
    assert grammar.longest
    steps = [grammar.after(state) for state in range(len(grammar.grammar.edges))]
    return time.process_time() - start, steps


def by_every_token(
    answer: AnswerText, by_first: Mapping[str, Mapping[int, str]], end: int
) -> tuple[float, Steps]:
    """CPU seconds and steps of a new set, by trying every token.

    Args:
        answer: spelling of the set's answers.
        by_first: texts of the tokens, by their first character.
        end: id of the end token.
    """
    start = time.process_time()
    grammar = answer.grammar()
    steps = [
        {
            token: after
            for first in {piece[0] for piece in edges}
            for token, text in by_first[first].items()
            for after in grammar.walk(state, text)
        }
        for state, edges in enumerate(grammar.edges)
    ]
    steps[grammar.final][end] = grammar.final
    return time.process_time() - start, steps


def asked_sets() -> dict[str, tuple[Label, ...]]:
    """Sets of labels, by a name."""
    generator = np.random.default_rng(SEED)
    sets = {"stage 1": PARAMETERS}
    for size in SIZES:
        places = sorted(generator.choice(len(ABUNDANCES), size, replace=False))
        sets[f"{size} abundances"] = tuple(ABUNDANCES[place] for place in places)
    return sets | {f"{len(ABUNDANCES)} abundances": ABUNDANCES}


def main() -> None:
    """Print the table."""
    tokenizer = llama3_tokenizer()
    end = tokenizer.eos_token_id
    start = time.process_time()
    texts = token_texts(tokenizer)
    decoded = time.process_time()
    prefixes = len(texts.trie)
    built = time.process_time()
    by_first: dict[str, dict[int, str]] = defaultdict(dict)
    for token, text in texts.items():
        by_first[text[0]][token] = text
    print("| spelling | asked | states | prefix tree: CPU s | every token: CPU s |")
    print("|---|---|---|---|---|")
    for spelling in ("characters", "grouped"):
        for name, asked in asked_sets().items():
            answer = answer_text(TextOptions(answer=spelling), asked)
            fast, steps = min(
                (by_trie(answer, texts, end) for _ in range(3)), key=lambda run: run[0]
            )
            slow, expected = by_every_token(answer, by_first, end)
            assert steps == expected
            print(f"| {spelling} | {name} | {len(steps)} | {fast:.4f} | {slow:.2f} |")
    print(
        f"\nOnce for each tokenizer: {decoded - start:.2f} CPU s for the texts of {len(texts)} "
        f"tokens, {built - decoded:.2f} for the tree of their {prefixes} prefixes."
    )


if __name__ == "__main__":
    main()
