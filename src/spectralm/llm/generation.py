"""Answers of a model, restricted to the grammar."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
import torch
from peft import PeftModel
from torch import Tensor
from transformers import LogitsProcessorList, PreTrainedTokenizerBase

from spectralm.errors import InputError
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
from spectralm.language.questions import Question
from spectralm.llm.device import precision
from spectralm.llm.digits import Written, row_of, spelled_probabilities
from spectralm.llm.distribution import half_width, mean
from spectralm.llm.encoding import left_padded, ones, positions, prompt_ids
from spectralm.llm.loss import number_ids
from spectralm.llm.read_in.soft_tokens import soft_tokens_of
from spectralm.llm.token_grammar import (
    GrammarProcessor,
    TokenGrammar,
    TokenTexts,
    decode,
    token_texts,
)
from spectralm.spectra.store import Store

#: Edges of the numbers 0 to 999 of grouped answers, in steps.
EDGES = np.arange(1001) - 0.5
#: Batches whose questions are sorted by length together.
WINDOW = 16
#: Grammars in the cache; there are two million sets of abundances that stage 2 can ask for.
KEPT_GRAMMARS = 256


@dataclass(frozen=True)
class Reply:
    """One answer of a model."""

    text: str
    star: Star | None
    """None if the text cannot be parsed."""
    status: str
    """``parsed``, or why it cannot be parsed."""
    sigmas: Mapping[str, float] = field(default_factory=dict)
    """Half the width of the central 68 % of the model's distribution of each label."""


@dataclass
class Reader:
    """Asks a model questions and reads its answers.

    Args:
        model: base with adapter.
        tokenizer: of the base.
        text: how questions and answers are spelled.
        max_tokens: most tokens of a question with its answer.
        batch_size: questions in a batch.
        reading: ``greedy`` or ``expected``, see GenerationOptions.
        sigmas: whether to compute the width of each number's distribution.
        spectra: that the questions are about, for soft tokens.
    """

    model: PeftModel
    tokenizer: PreTrainedTokenizerBase
    text: TextOptions
    max_tokens: int
    batch_size: int
    reading: str = "greedy"
    sigmas: bool = False
    spectra: Store | None = None

    def __post_init__(self) -> None:
        self._grammar = lru_cache(maxsize=KEPT_GRAMMARS)(self._make_grammar)

    @cached_property
    def _text_of(self) -> TokenTexts:
        return token_texts(self.tokenizer)

    @cached_property
    def _numbers(self) -> Tensor:
        return number_ids(self.tokenizer)

    def _make_grammar(self, asked: tuple[Label, ...]) -> TokenGrammar:
        grammar = answer_text(self.text, asked).grammar()
        return TokenGrammar(grammar, self._text_of, self.tokenizer.eos_token_id)

    def replies(self, questions: Sequence[Question]) -> Iterator[Reply]:
        """Answers to questions, in their order."""
        for start in range(0, len(questions), self.window):
            yield from self._window(questions[start : start + self.window])

    @property
    def window(self) -> int:
        """Number of questions that are sorted by length before they are put into batches."""
        return WINDOW * self.batch_size

    def _window(self, questions: Sequence[Question]) -> list[Reply]:
        """Answers in the order of the questions.

        A batch takes as long as its longest answer, so similar lengths share a batch.
        """
        lengths = [(len(question.asked), len(question.text)) for question in questions]
        order = sorted(range(len(questions)), key=lengths.__getitem__)
        replies: dict[int, Reply] = {}
        for start in range(0, len(order), self.batch_size):
            numbers = order[start : start + self.batch_size]
            answered = self._batch([questions[number] for number in numbers])
            replies.update(zip(numbers, answered, strict=True))
        return [replies[number] for number in range(len(questions))]

    @torch.inference_mode()
    def _batch(self, questions: Sequence[Question]) -> list[Reply]:
        with precision(self.model):
            return self._answer(questions)

    def _answer(self, questions: Sequence[Question]) -> list[Reply]:
        grammars = [self._grammar(question.asked) for question in questions]
        longest = max(grammar.longest for grammar in grammars)
        device = next(self.model.parameters()).device
        soft_tokens = self._give_spectra(questions, device)
        prompts = [
            prompt_ids(question.text, self.tokenizer, self.max_tokens - longest, soft_tokens)[0]
            for question in questions
        ]
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
        spellings = [answer_text(self.text, question.asked) for question in questions]
        replies = [_reply(*each) for each in zip(texts, spellings, strict=True)]
        if written.scores is None:
            return replies
        scores = torch.stack(written.scores, dim=1)
        for row, (reply, spelling) in enumerate(zip(replies, spellings, strict=True)):
            if isinstance(spelling, GroupedAnswer):
                replies[row] = self._grouped(reply, spelling, tokens[row], scores[row])
            elif isinstance(spelling, CharactersAnswer):
                generated = Written(
                    tokens=tokens[row].tolist(),
                    scores=scores[row],
                    cache=row_of(written.past_key_values, row),
                    prompt=slice(ids.shape[1] - len(prompts[row]), ids.shape[1]),
                    position=self.max_tokens,
                )
                replies[row] = self._spelled(reply, spelling, grammars[row], generated)
        return replies

    def _give_spectra(self, questions: Sequence[Question], device: torch.device) -> int:
        """Give the model the spectra of questions; the number of soft tokens of each."""
        soft_tokens = soft_tokens_of(self.model)
        if soft_tokens is None:
            return 0
        if self.spectra is None:
            raise InputError("spectra", "files", "none", "give the spectra of the questions")
        found = np.stack([self.spectra[question.obsid] for question in questions])
        return soft_tokens.give(torch.from_numpy(found).to(device))

    def _grouped(
        self, reply: Reply, answer: GroupedAnswer, tokens: Tensor, scores: Tensor
    ) -> Reply:
        """Add the widths of the numbers' distributions; for ``expected``, take their means."""
        if reply.star is None:
            return reply
        numbers = self._numbers.to(tokens.device)
        places = torch.isin(tokens, numbers).nonzero()[:, 0].tolist()
        values, sigmas = dict(reply.star.values), {}
        for label, place in zip(answer.labels, places, strict=True):
            probabilities = torch.softmax(scores[place, numbers].float(), dim=-1).cpu().numpy()
            sigmas[label.name] = label.step * half_width(EDGES, probabilities)
            if self.reading == "expected":
                values[label.name] = answer.value(label, mean(EDGES, probabilities))
        return replace(reply, star=Star(reply.star.spectral_class, values), sigmas=sigmas)

    def _spelled(
        self, reply: Reply, answer: CharactersAnswer, grammar: TokenGrammar, written: Written
    ) -> Reply:
        """Add the widths of the numbers' distributions; for ``expected``, take their means.

        Each distribution is that given the answer before the number.
        """
        if reply.star is None:
            return reply
        values, sigmas = dict(reply.star.values), {}
        for label, (edges, probabilities) in spelled_probabilities(
            self.model, answer, reply.text, written, grammar.after, self._text_of
        ):
            sigmas[label.name] = half_width(edges, probabilities)
            if self.reading == "expected":
                values[label.name] = mean(edges, probabilities)
        return replace(reply, star=Star(reply.star.spectral_class, values), sigmas=sigmas)


def _reply(text: str, answer: AnswerText) -> Reply:
    try:
        return Reply(text, answer.read(text), "parsed")
    except ParseError as error:
        return Reply(text, None, f"unparsed: {error}")
