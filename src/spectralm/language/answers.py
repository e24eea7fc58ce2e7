"""Labels to answers and back, in the paper's spelling or in grouped numbers (paper III.1)."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from spectralm.labels.vocabulary import ABUNDANCES, CLASSES, PARAMETERS, Label
from spectralm.language.errors import ParseError, RangeError
from spectralm.language.grammar import Grammar
from spectralm.language.options import TextOptions
from spectralm.language.questions import Record

DIGITS = "0123456789"


@dataclass(frozen=True)
class Star:
    """What an answer says: a value per label name and, in stage 1, a spectral class."""

    spectral_class: str | None
    values: Mapping[str, float]

    @classmethod
    def of(cls, record: Record) -> Self:
        """The star of a record's labels, as its answer spells them."""
        labels = record["labels"]
        spectral_class = labels.get("class")
        return cls(
            None if spectral_class is None else str(spectral_class),
            {name: float(labels[name]) for name in record["asked"]},
        )

    def labels(self) -> dict[str, str | float]:
        """The labels of a record; the inverse of :meth:`of`."""
        return ({"class": self.spectral_class} if self.spectral_class else {}) | dict(self.values)


@dataclass(frozen=True)
class AnswerText(ABC):
    """One spelling of the answers to a question; each number can be written in one way only.

    An answer of stage 1 (``labels`` are PARAMETERS) begins with the class; an answer of stage 2
    names its fields, which are those of the question in the same order.
    """

    labels: tuple[Label, ...]

    @abstractmethod
    def _words(self) -> list[str]:
        """The text before the class (stage 1) and before each number, and the text at the end."""

    @abstractmethod
    def _pattern(self, label: Label) -> str:
        """Regular expression of exactly the numbers that :meth:`_spell` writes."""

    @abstractmethod
    def _spell(self, label: Label, value: float) -> str:
        """A number as text. Raises RangeError if the spelling cannot write it."""

    @abstractmethod
    def _value(self, label: Label, number: str) -> float:
        """The value of a number's text."""

    @abstractmethod
    def _add_number(self, grammar: Grammar, start: int, label: Label) -> int:
        """Add all texts that :meth:`_spell` writes; returns the state after them."""

    @property
    def _has_class(self) -> bool:
        return self.labels == PARAMETERS

    def _slots(self) -> Iterator[tuple[str, Label | None]]:
        """The text before each field, and the field's label; None for the class."""
        slots = (None, *self.labels) if self._has_class else self.labels
        return zip(self._words()[:-1], slots, strict=True)

    def write(self, star: Star) -> str:
        """The answer for a star. Raises RangeError for a value that is missing or out of range."""
        fields = [words + self._field(label, star) for words, label in self._slots()]
        return "".join(fields) + self._words()[-1]

    def _field(self, label: Label | None, star: Star) -> str:
        if label is None:
            if star.spectral_class is None:
                raise RangeError("the class is missing")
            return star.spectral_class
        if label.name not in star.values:
            raise RangeError(f"{label.name} is missing")
        return self._spell(label, star.values[label.name])

    def read(self, text: str) -> Star:
        """The star of an answer. Raises ParseError for a text that :meth:`write` never writes."""
        spectral_class: str | None = None
        values: dict[str, float] = {}
        for label, _, found in self.slots_of(text):
            if label:
                values[label.name] = self._value(label, found)
            else:
                spectral_class = found
        return Star(spectral_class, values)

    def slots_of(self, text: str) -> Iterator[tuple[Label | None, int, str]]:
        """Label (None for the class), position and text of each field of an answer.

        Raises:
            ParseError: :meth:`write` never writes the text; at the first fault.
        """
        place = 0
        for words, label in self._slots():
            pattern = self._pattern(label) if label else f"[{''.join(CLASSES)}]"
            found = re.compile(re.escape(words) + f"({pattern})").match(text, place)
            if not found:
                name = label.text if label else "class"
                raise ParseError(f"{name}: {text[place : place + 60]!r} is no value of it")
            place = found.end()
            yield label, found.start(1), found[1]
        if text[place:] != self._words()[-1]:
            raise ParseError(f"{text[place : place + 60]!r} is not the end of an answer")

    def grammar(self) -> Grammar:
        """The automaton that accepts exactly the texts that :meth:`read` accepts."""
        grammar = Grammar()
        state = 0
        for words, label in self._slots():
            state = grammar.add_text(state, words)
            if label:
                state = self._add_number(grammar, state, label)
            else:
                state = grammar.add_choice(state, CLASSES)
        grammar.final = grammar.add_text(state, self._words()[-1])
        return grammar


@dataclass(frozen=True)
class CharactersAnswer(AnswerText):
    """The paper's answer: a space between any two characters of a number.

    ``[ 'M',' 3 7 9 4 . 6 6 ',' 4 . 6 2 8 ',' - 0 . 0 2 9 5 ']`` in stage 1 (the paper's printed
    example lacks some quotes; here every field has both), ``[C_FE:' 0 . 1 5 1 4 ', CI_FE:' 0 . 1 3
    8 5 ']`` in stage 2.
    """

    decimals: Mapping[str, int]

    def _words(self) -> list[str]:
        if self._has_class:
            return ["[ '", "',' ", *[",' "] * (len(self.labels) - 1), "]"]
        first, *others = (f"{label.text}:' " for label in self.labels)
        return ["[" + first, *(f", {other}" for other in others), "]"]

    def _integer_digits(self, label: Label) -> int:
        return len(str(int(max(abs(label.low), abs(label.high)))))

    def _pattern(self, label: Label) -> str:
        sign = "(?:- )?" if label.low < 0 else ""
        integer = rf"(?:0 |[1-9] (?:[0-9] ){{0,{self._integer_digits(label) - 1}}})"
        decimals = self.decimals[label.name]
        return sign + integer + (rf"\. (?:[0-9] ){{{decimals}}}" if decimals else "") + "'"

    def _spell(self, label: Label, value: float) -> str:
        number = f"{value:.{self.decimals[label.name]}f}"
        spaced = f"{' '.join(number)} '"
        if not re.fullmatch(self._pattern(label), spaced):
            raise RangeError(f"{label.name} = {number} {label.unit} cannot be spelled")
        return spaced

    def _value(self, label: Label, number: str) -> float:
        return float(number[:-1].replace(" ", ""))

    def interval(self, label: Label, written: str) -> tuple[float, float] | None:
        """Interval of the label's values whose text begins as written; None if out of range.

        The label's range limits the digits before the point. Its ends themselves are no values.
        """
        number, ended, _ = written.replace(" ", "").partition("'")
        sign = -1 if number.startswith("-") else 1
        whole, point, decimals = number.removeprefix("-").partition(".")
        if not whole:
            spans = [(0.0, max(-label.low, label.high))] if number else [(label.low, label.high)]
        elif point:
            first = float(f"{whole}.{decimals}")
            spans = [(first, first if ended else first + 10.0 ** -len(decimals))]
        else:
            more = 0 if ended or whole == "0" else self._integer_digits(label) - len(whole)
            first, after = int(whole), int(whole) + (not ended)
            spans = [(first * 10.0**zeros, after * 10.0**zeros) for zeros in range(more + 1)]
        for ends in spans:
            low, high = sorted(sign * end for end in ends)
            met = low < label.high and high > label.low
            if met or (ended and label.low <= low <= label.high):
                return max(low, label.low), min(high, label.high)
        return None

    def _add_number(self, grammar: Grammar, start: int, label: Label) -> int:
        decimals = self.decimals[label.name]
        after_integer = grammar.add_state()
        starts = [start]
        if label.low < 0:
            starts.append(grammar.add_text(start, "- "))
        for state in starts:
            ends = [grammar.add_text(state, "0 ")]
            digits = DIGITS[1:]
            for _ in range(self._integer_digits(label)):
                state = grammar.add_choice(grammar.add_choice(state, digits), " ")
                ends.append(state)
                digits = DIGITS
            for end in ends:
                grammar.add_edge(end, "." if decimals else "'", after_integer)
        if not decimals:
            return after_integer
        state = grammar.add_text(after_integer, " ")
        for _ in range(decimals):
            state = grammar.add_choice(grammar.add_choice(state, DIGITS), " ")
        return grammar.add_text(state, "'")


@dataclass(frozen=True)
class GroupedAnswer(AnswerText):
    """A three-digit number per label: ``M,150,563,497``, in stage 2 ``C_FE:530,CI_FE:528``.

    A number counts steps (``label.step``) from ``label.offset``. It is one Llama-3 token
    (docs/training_facts.md).
    """

    def _words(self) -> list[str]:
        if self._has_class:
            return ["", *[","] * len(self.labels), ""]
        first, *others = (f"{label.text}:" for label in self.labels)
        return [first, *(f",{other}" for other in others), ""]

    def _pattern(self, label: Label) -> str:
        return "[0-9]{3}"

    def _spell(self, label: Label, value: float) -> str:
        steps = (value - label.offset) / label.step
        if not -0.5 <= steps < 999.5:
            raise RangeError(
                f"{label.name} = {value} {label.unit} is outside the three "
                f"digits from {label.offset} in steps of {label.step}"
            )
        return f"{round(steps):03d}"

    def _value(self, label: Label, number: str) -> float:
        return self.value(label, int(number))

    def value(self, label: Label, steps: float) -> float:
        """The value of a number of steps, rounded to 1e-6."""
        return round(label.offset + steps * label.step, 6)

    def _add_number(self, grammar: Grammar, start: int, label: Label) -> int:
        return grammar.add_choice(start, (f"{number:03d}" for number in range(1000)))


def answer_text(options: TextOptions, asked: tuple[Label, ...] = PARAMETERS) -> AnswerText:
    """The spelling of answers to a question: of stage 1, or about some abundances."""
    if options.answer == "grouped":
        return GroupedAnswer(asked)
    decimals = options.decimals | {label.name: label.decimals for label in ABUNDANCES}
    return CharactersAnswer(asked, decimals)
