"""Answers from a model, held to the grammar."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from transformers import LogitsProcessor, LogitsProcessorList, PreTrainedTokenizerBase

from spectralm.language.answers import AnswerText, GroupedAnswer, Star
from spectralm.language.errors import ParseError
from spectralm.language.grammar import Grammar
from spectralm.llm.encoding import left_padded, prompt_ids
from spectralm.llm.loss import number_ids


class TokenGrammar:
    """A grammar as sets of allowed tokens: those that spell out whole pieces of an answer."""

    def __init__(self, grammar: Grammar, tokenizer: PreTrainedTokenizerBase):
        self.grammar = grammar
        self.end = tokenizer.eos_token_id
        texts = tokenizer.batch_decode([[number] for number in range(len(tokenizer))])
        specials = set(tokenizer.all_special_ids)
        alphabet = grammar.alphabet
        self.texts = {
            number: text
            for number, text in enumerate(texts)
            if text and number not in specials and set(text) <= alphabet
        }
        self.steps: dict[int, dict[int, int]] = {}

    def after(self, state: int) -> dict[int, int]:
        """Allowed tokens in a state, and the state after each; the end token leads to itself."""
        if state not in self.steps:
            first = {piece[0] for piece in self.grammar.edges[state]}
            steps = {
                number: end
                for number, text in self.texts.items()
                if text[0] in first
                for end in self.grammar.walk(state, text)
            }
            if state == self.grammar.final:
                steps[self.end] = state
            self.steps[state] = steps
        return self.steps[state]


class GrammarProcessor(LogitsProcessor):
    """Rules out every token that would leave the grammar."""

    def __init__(self, grammar: TokenGrammar, prompt_length: int):
        self.grammar = grammar
        self.prompt_length = prompt_length

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        allowed = torch.full_like(scores, float("-inf"))
        for row, tokens in enumerate(input_ids[:, self.prompt_length :].tolist()):
            state = 0
            for token in tokens:
                # Rows that have ended are padded by `generate` and may hold anything.
                state = self.grammar.after(state).get(token, self.grammar.grammar.final)
            permitted = list(self.grammar.after(state))
            allowed[row, permitted] = scores[row, permitted]
        return allowed


@dataclass(frozen=True)
class Reply:
    """One answer: its text, and its star or why there is none."""

    text: str
    star: Star | None
    status: str


@dataclass
class Reader:
    """Asks a model and reads its answers.

    Args:
        model: base with adapter.
        answer: how answers are spelled.
        batch_size: questions at once.
        reading: ``greedy`` or ``expected``, see GenerationOptions.
    """

    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    answer: AnswerText
    max_tokens: int
    batch_size: int
    reading: str = "greedy"

    @cached_property
    def _grammar(self) -> TokenGrammar:
        return TokenGrammar(self.answer.grammar(), self.tokenizer)

    @cached_property
    def _longest_answer(self) -> int:
        """Tokens of the longest answer: the longest way through the grammar, and the end."""
        longest = {self._grammar.grammar.final: 1}

        def length(state: int) -> int:
            if state not in longest:
                ends = set(self._grammar.grammar.edges[state].values())
                longest[state] = 1 + max(length(end) for end in ends)
            return longest[state]

        return length(0)

    @cached_property
    def _numbers(self) -> torch.Tensor:
        return number_ids(self.tokenizer)

    def replies(self, questions: Sequence[str]) -> Iterator[Reply]:
        """Answers to questions, in their order."""
        for start in range(0, len(questions), self.batch_size):
            yield from self._batch(questions[start : start + self.batch_size])

    @torch.inference_mode()
    def _batch(self, questions: Sequence[str]) -> list[Reply]:
        room = self.max_tokens - self._longest_answer
        asked = [prompt_ids(question, self.tokenizer, room)[0] for question in questions]
        device = next(self.model.parameters()).device
        ids = left_padded(asked, self.tokenizer.pad_token_id).to(device)
        mask = left_padded([[1] * len(row) for row in asked], 0).to(device)
        written = self.model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=False,
            max_new_tokens=self._longest_answer,
            logits_processor=LogitsProcessorList([GrammarProcessor(self._grammar, ids.shape[1])]),
            return_dict_in_generate=True,
            output_scores=self.reading == "expected",
            pad_token_id=self.tokenizer.pad_token_id,
        )
        tokens = written.sequences[:, ids.shape[1] :]
        texts = self.tokenizer.batch_decode(tokens, skip_special_tokens=True)
        replies = [self._reply(text) for text in texts]
        if self.reading == "expected":
            scores = torch.stack(written.scores, dim=1)
            return [self._expected(*each) for each in zip(replies, tokens, scores, strict=True)]
        return replies

    def _reply(self, text: str) -> Reply:
        try:
            return Reply(text, self.answer.read(text), "parsed")
        except ParseError as error:
            return Reply(text, None, f"unparsed: {error}")

    def _expected(self, reply: Reply, tokens: torch.Tensor, scores: torch.Tensor) -> Reply:
        """Replace each number by its mean over the model's probabilities for that token."""
        if reply.star is None or not isinstance(self.answer, GroupedAnswer):
            return reply
        numbers = self._numbers.to(tokens.device)
        places = torch.isin(tokens, numbers).nonzero()[:, 0].tolist()
        steps = torch.arange(1000, device=tokens.device, dtype=torch.float)
        values = {}
        for label, place in zip(self.answer.labels, places, strict=True):
            chances = torch.softmax(scores[place, numbers].float(), dim=-1)
            values[label.name] = self.answer.value(label, float(chances @ steps))
        return Reply(reply.text, Star(reply.star.spectral_class, values), reply.status)
