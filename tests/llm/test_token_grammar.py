"""Allowed tokens by the prefix tree, compared with trying every token."""

from functools import cache

import numpy as np
import pytest
from llm.llama3 import llama3_tokenizer

from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS
from spectralm.language.answers import answer_text
from spectralm.language.grammar import Grammar
from spectralm.language.options import TextOptions
from spectralm.llm.tiny import tiny_tokenizer
from spectralm.llm.token_grammar import TokenGrammar, TokenTexts, token_texts

TOKENIZERS = {"llama3": llama3_tokenizer, "tiny": tiny_tokenizer}
SPELLINGS = ["characters", "grouped"]
END = 99


@cache
def texts_of(name: str) -> TokenTexts:
    return token_texts(TOKENIZERS[name]())


def grammar_of(spelling, asked, texts) -> TokenGrammar:
    answer = answer_text(TextOptions(answer=spelling), asked)
    return TokenGrammar(answer.grammar(), texts, end=-1)


def random_set(generator):
    size = generator.integers(1, len(ABUNDANCES) + 1)
    places = sorted(generator.choice(len(ABUNDANCES), size, replace=False))
    return tuple(ABUNDANCES[place] for place in places)


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_token_is_allowed_where_the_grammar_accepts_its_text(name, spelling):
    texts = texts_of(name)
    generator = np.random.default_rng(0)
    for asked in (PARAMETERS, random_set(generator), random_set(generator)):
        grammar = grammar_of(spelling, asked, texts)
        walk, final = grammar.grammar.walk, grammar.grammar.final
        sample = generator.choice(len(grammar.grammar.edges), size=3).tolist()
        for state in (0, *sample, final):
            expected = {token: end for token, text in texts.items() for end in walk(state, text)}
            if state == final:
                expected[grammar.end] = final
            assert grammar.after(state) == expected


def test_tokens_of_the_same_text_are_all_allowed():
    grammar = Grammar()
    middle = grammar.add_text(0, "a")
    grammar.final = grammar.add_choice(middle, ["bc", "d"])
    texts = TokenTexts({0: "abc", 1: "a", 2: "abc", 3: "ab", 4: "bc", 5: "c", 6: "abcd", 7: "d"})
    allowed = TokenGrammar(grammar, texts, END)
    assert allowed.after(0) == {0: grammar.final, 1: middle, 2: grammar.final}
    assert allowed.after(middle) == {4: grammar.final, 7: grammar.final}
    assert allowed.after(grammar.final) == {END: grammar.final}
    assert allowed.longest == 3


@pytest.mark.parametrize("name", TOKENIZERS)
def test_special_tokens_have_no_text(name):
    tokenizer, texts = TOKENIZERS[name](), texts_of(name)
    added = tokenizer.added_tokens_decoder
    specials = {token for token, added_token in added.items() if added_token.special}
    assert specials >= {tokenizer.eos_token_id, tokenizer.pad_token_id}
    assert texts.keys() == set(range(len(tokenizer))) - specials
    assert all(texts.values())


class Counted(dict):
    """Counts its look-ups."""

    asked = 0

    def get(self, key):
        self.asked += 1
        return super().get(key)


@pytest.mark.parametrize("name", TOKENIZERS)
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_the_cost_of_a_set_grows_with_its_grammar_and_not_with_the_vocabulary(name, spelling):
    for asked in (PARAMETERS, ABUNDANCES[4:9], ABUNDANCES):
        grammar = grammar_of(spelling, asked, texts_of(name))
        grammar.trie = Counted(grammar.trie)
        for state in range(len(grammar.grammar.edges)):
            grammar.after(state)
        assert grammar.trie.asked < 5 * sum(len(edges) for edges in grammar.grammar.edges)
