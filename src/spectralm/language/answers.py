"""Labels <-> answer, in the paper's spelling and in grouped numbers (paper III.1)."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from spectralm.labels.vocabulary import ABUNDANCES, CLASSES, PARAMETERS, Label
from spectralm.language.errors import ParseError, RangeError
from spectralm.language.grammar import Grammar
from spectralm.language.options import TextOptions

DIGITS = "0123456789"


@dataclass(frozen=True)
class Star:
    """What an answer says: a value per label name and, in stage 1, a spectral class."""

    spectral_class: str | None
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class AnswerText(ABC):
    """One spelling of the answers to a question; every number has one spelling only.

    An answer to stage 1's question (``labels`` are PARAMETERS) begins with the class; any other
    names its fields, which are those of the question in its order.
    """

    labels: tuple[Label, ...]

    @abstractmethod
    def _words(self) -> list[str]:
        """The words before the class, if there is one, and each number; and those at the end."""

    @abstractmethod
    def _pattern(self, label: Label) -> str:
        """Regular expression of exactly the numbers that :meth:`_spell` writes."""

    @abstractmethod
    def _spell(self, label: Label, value: float) -> str:
        """A number as text. Raises RangeError if it cannot be spelled."""

    @abstractmethod
    def _value(self, label: Label, number: str) -> float:
        """What a number says."""

    @abstractmethod
    def _add_number(self, grammar: Grammar, start: int, label: Label) -> int:
        """Add what :meth:`_spell` writes; returns the state after it."""

    @property
    def _has_class(self) -> bool:
        return self.labels == PARAMETERS

    def _slots(self) -> Iterator[tuple[str, Label | None]]:
        """The words before each slot, and its label; None for the class."""
        slots = (None, *self.labels) if self._has_class else self.labels
        return zip(self._words()[:-1], slots, strict=True)

    def write(self, star: Star) -> str:
        """The answer for a star. Raises RangeError for a value that cannot be spelled."""
        text = ""
        for words, label in self._slots():
            text += words + (self._number(label, star) if label else star.spectral_class)
        return text + self._words()[-1]

    def _number(self, label: Label, star: Star) -> str:
        value = star.values[label.name]
        if value is None:
            raise RangeError(f"{label.name} is not known")
        return self._spell(label, value)

    def read(self, text: str) -> Star:
        """The star of an answer. Raises ParseError for anything :meth:`write` does not write."""
        spectral_class, values = None, {}
        for label, _, found in self.slots_of(text):
            if label:
                values[label.name] = self._value(label, found)
            else:
                spectral_class = found
        return Star(spectral_class, values)

    def slots_of(self, text: str) -> Iterator[tuple[Label | None, int, str]]:
        """Label (None for the class), place and text of each slot of an answer.

        Raises:
            ParseError: the text is nothing that :meth:`write` writes; at its first fault.
        """
        place = 0
        for words, label in self._slots():
            pattern = self._pattern(label) if label else f"[{''.join(CLASSES)}]"
            found = re.compile(re.escape(words) + f"({pattern})").match(text, place)
            if not found:
                name = label.text if label else "class"
                raise ParseError(f"{name}: {text[place : place + 60]!r} is not as asked for")
            place = found.end()
            yield label, found.start(1), found[1]
        if text[place:] != self._words()[-1]:
            raise ParseError(f"{text[place : place + 60]!r} is not the end of an answer")

    def grammar(self) -> Grammar:
        """The automaton of exactly the texts that :meth:`read` understands."""
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
        """Where the label's numbers lie that begin as written; None if outside its range.

        How many digits are to come before the point is told by the range, the ends of which are
        none of the numbers.
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
    """One three-digit number a label: ``M,150,563,497``, in stage 2 ``C_FE:530,CI_FE:528``.

    A number counts ``label.step`` from ``label.offset``, so that it is one Llama-3 token and
    neighbouring values are neighbouring tokens (docs/demo_model.md).
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
        """The value that a number of steps stands for, free of binary dust."""
        return round(label.offset + steps * label.step, 6)

    def _add_number(self, grammar: Grammar, start: int, label: Label) -> int:
        return grammar.add_choice(start, (f"{number:03d}" for number in range(1000)))


def answer_text(options: TextOptions, asked: tuple[Label, ...] = PARAMETERS) -> AnswerText:
    """The answer text of a config for a question: stage 1's, or one that asks for abundances."""
    if options.answer == "grouped":
        return GroupedAnswer(asked)
    decimals = options.decimals | {label.name: label.decimals for label in ABUNDANCES}
    return CharactersAnswer(asked, decimals)
