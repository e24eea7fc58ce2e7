"""Answers from a model, held to the grammar."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
import torch
from transformers import LogitsProcessorList, PreTrainedTokenizerBase

from spectralm.labels.vocabulary import Label
from spectralm.language.answers import (
    AnswerText,
    CharactersAnswer,
    GroupedAnswer,
    Star,
    answer_text,
)
from spectralm.language.errors import ParseError
from spectralm.language.options import TextOptions
from spectralm.language.questions import asked_of
from spectralm.llm.digits import Written, row_of, spelled_probabilities
from spectralm.llm.encoding import left_padded, ones, positions, prompt_ids
from spectralm.llm.loss import number_ids
from spectralm.llm.spread import half_width
from spectralm.llm.token_grammar import (
    GrammarProcessor,
    TokenGrammar,
    TokenTexts,
    decode,
    token_texts,
)

#: A grouped number stands for half a step on both sides.
EDGES = np.arange(1001) - 0.5
#: Batches whose questions are sorted by length together.
WINDOW = 16


@dataclass(frozen=True)
class Reply:
    """One answer: its text, and its star or why there is none."""

    text: str
    star: Star | None
    status: str
    sigmas: Mapping[str, float] = field(default_factory=dict)
    """Half the central 68 % of the model's distribution of each label, if asked for."""


@dataclass
class Reader:
    """Asks a model and reads its answers.

    Args:
        model: base with adapter.
        text: how questions and answers are spelled.
        max_tokens: of a question with its answer.
        batch_size: questions at once.
        reading: ``greedy`` or ``expected``, see GenerationOptions.
        sigmas: tell how wide the distribution of each number is.
    """

    model: torch.nn.Module
    tokenizer: PreTrainedTokenizerBase
    text: TextOptions
    max_tokens: int
    batch_size: int
    reading: str = "greedy"
    sigmas: bool = False

    def __post_init__(self) -> None:
        # A question of stage 2 may ask for any of two million sets of abundances.
        self._grammar = lru_cache(maxsize=256)(self._grammar)

    @cached_property
    def _text_of(self) -> TokenTexts:
        return token_texts(self.tokenizer)

    @cached_property
    def _numbers(self) -> torch.Tensor:
        return number_ids(self.tokenizer)

    def _grammar(self, asked: tuple[Label, ...]) -> TokenGrammar:
        grammar = answer_text(self.text, asked).grammar()
        return TokenGrammar(grammar, self._text_of, self.tokenizer.eos_token_id)

    def replies(self, questions: Sequence[str]) -> Iterator[Reply]:
        """Answers to questions, in their order."""
        for start in range(0, len(questions), self.window):
            yield from self._window(questions[start : start + self.window])

    @property
    def window(self) -> int:
        """Questions that are sorted by length before they are put into batches."""
        return WINDOW * self.batch_size

    def _window(self, questions: Sequence[str]) -> list[Reply]:
        """Answers in order. A batch takes as long as its longest, so those of one length go
        together."""
        order = sorted(
            range(len(questions)),
            key=lambda number: (len(asked_of(questions[number])), len(questions[number])),
        )
        replies: dict[int, Reply] = {}
        for start in range(0, len(order), self.batch_size):
            numbers = order[start : start + self.batch_size]
            answered = self._batch([questions[number] for number in numbers])
            replies.update(zip(numbers, answered, strict=True))
        return [replies[number] for number in range(len(questions))]

    def _precision(self) -> AbstractContextManager:
        """That of training: bf16, where what is trained is float32."""
        return torch.autocast(next(self.model.parameters()).device.type, torch.bfloat16)

    @torch.inference_mode()
    def _batch(self, questions: Sequence[str]) -> list[Reply]:
        with self._precision():
            return self._answer(questions)

    def _answer(self, questions: Sequence[str]) -> list[Reply]:
        asked = [asked_of(question) for question in questions]
        grammars = [self._grammar(labels) for labels in asked]
        longest = max(grammar.longest for grammar in grammars)
        prompts = [
            prompt_ids(question, self.tokenizer, self.max_tokens - longest)[0]
            for question in questions
        ]
        device = next(self.model.parameters()).device
        ids = left_padded(prompts, self.tokenizer.pad_token_id).to(device)
        written = self.model.generate(
            input_ids=ids,
            attention_mask=left_padded(ones(prompts), 0).to(device),
            position_ids=positions(prompts, ids.shape[1], self.max_tokens)
            .expand(len(ids), -1)
            .to(device),
            do_sample=False,
            max_new_tokens=longest,
            logits_processor=LogitsProcessorList([GrammarProcessor(grammars, ids.shape[1])]),
            return_dict_in_generate=True,
            output_scores=self.reading == "expected" or self.sigmas,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        tokens = written.sequences[:, ids.shape[1] :]
        texts = decode(self.tokenizer, tokens)
        spellings = [answer_text(self.text, labels) for labels in asked]
        replies = [_reply(*each) for each in zip(texts, spellings, strict=True)]
        if written.scores is None:
            return replies
        scores = torch.stack(written.scores, dim=1)
        if self.text.answer == "grouped":
            each = zip(replies, spellings, tokens, scores, strict=True)
            return [self._grouped(*row) for row in each]
        return [
            self._spelled(
                reply,
                spellings[row],
                grammars[row],
                Written(
                    tokens=tokens[row].tolist(),
                    scores=scores[row],
                    cache=row_of(written.past_key_values, row),
                    prompt=slice(ids.shape[1] - len(prompts[row]), ids.shape[1]),
                    position=self.max_tokens,
                ),
            )
            for row, reply in enumerate(replies)
        ]

    def _grouped(
        self, reply: Reply, answer: GroupedAnswer, tokens: torch.Tensor, scores: torch.Tensor
    ) -> Reply:
        """Add the width, and with ``expected`` put the mean, of each number's distribution."""
        if reply.star is None:
            return reply
        numbers = self._numbers.to(tokens.device)
        places = torch.isin(tokens, numbers).nonzero()[:, 0].tolist()
        values, sigmas = dict(reply.star.values), {}
        for label, place in zip(answer.labels, places, strict=True):
            probabilities = torch.softmax(scores[place, numbers].float(), dim=-1).cpu().numpy()
            sigmas[label.name] = label.step * half_width(EDGES, probabilities)
            if self.reading == "expected":
                values[label.name] = answer.value(label, float(probabilities @ np.arange(1000)))
        return replace(reply, star=Star(reply.star.spectral_class, values), sigmas=sigmas)

    def _spelled(
        self, reply: Reply, answer: CharactersAnswer, grammar: TokenGrammar, written: Written
    ) -> Reply:
        """Add the width of each number's distribution, given the answer before it."""
        if reply.star is None:
            return reply
        sigmas = {
            label.name: half_width(*probabilities)
            for label, probabilities in spelled_probabilities(
                self.model, answer, reply.text, written, grammar.after, self._text_of
            )
        }
        return replace(reply, sigmas=sigmas)


def _reply(text: str, answer: AnswerText) -> Reply:
    try:
        return Reply(text, answer.read(text), "parsed")
    except ParseError as error:
        return Reply(text, None, f"unparsed: {error}")
