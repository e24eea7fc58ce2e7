"""Labels <-> answer, in the paper's spelling and in grouped numbers (paper III.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from spectralm.labels.vocabulary import CLASSES, PARAMETERS, Label
from spectralm.language.errors import ParseError, RangeError
from spectralm.language.grammar import Grammar
from spectralm.language.options import TextOptions

DIGITS = "0123456789"


@dataclass(frozen=True)
class Star:
    """What an answer says: a spectral class and a value per label name."""

    spectral_class: str
    values: Mapping[str, float]


class AnswerText(Protocol):
    """One spelling of answers; every number has one spelling only."""

    labels: tuple[Label, ...]

    def write(self, star: Star) -> str:
        """The answer for a star. Raises RangeError for a value that cannot be spelled."""

    def read(self, text: str) -> Star:
        """The star of an answer. Raises ParseError for anything :meth:`write` does not write."""

    def grammar(self) -> Grammar:
        """The automaton of exactly the texts that :meth:`read` understands."""


@dataclass(frozen=True)
class CharactersAnswer:
    """The paper's answer, ``[ 'M',' 3 7 9 4 . 6 6 ',' 4 . 6 2 8 ',' - 0 . 0 2 9 5 ']``.

    The paper's printed example lacks some quotes; here every field has both.
    """

    labels: tuple[Label, ...]
    decimals: Mapping[str, int]

    def _integer_digits(self, label: Label) -> int:
        return len(str(int(max(abs(label.low), abs(label.high)))))

    def _pattern(self, label: Label) -> str:
        sign = "-?" if label.low < 0 else ""
        integer = rf"(?:0|[1-9][0-9]{{0,{self._integer_digits(label) - 1}}})"
        decimals = self.decimals[label.name]
        return sign + integer + (rf"\.[0-9]{{{decimals}}}" if decimals else "")

    def write(self, star: Star) -> str:
        fields = []
        for label in self.labels:
            number = f"{star.values[label.name]:.{self.decimals[label.name]}f}"
            if not re.fullmatch(self._pattern(label), number):
                raise RangeError(f"{label.name} = {number} {label.unit} cannot be spelled")
            fields.append(f",' {' '.join(number)} '")
        return f"[ '{star.spectral_class}'{''.join(fields)}]"

    def read(self, text: str) -> Star:
        fields = re.fullmatch(rf"\[ '([{''.join(CLASSES)}])'((?:,' [^']+ ')*)\]", text)
        numbers = re.findall(r",' ([^']+) '", fields[2]) if fields else []
        if len(numbers) != len(self.labels):
            raise ParseError(f"not a class and {len(self.labels)} quoted numbers: {text[:60]!r}")
        values = {}
        for label, spaced in zip(self.labels, numbers, strict=True):
            number = spaced[::2]
            if " ".join(number) != spaced or not re.fullmatch(self._pattern(label), number):
                raise ParseError(f"{label.name}: {spaced!r} is not a number spelled as asked for")
            values[label.name] = float(number)
        return Star(fields[1], values)

    def grammar(self) -> Grammar:
        grammar = Grammar()
        state = grammar.add_choice(grammar.add_text(0, "[ '"), CLASSES)
        state = grammar.add_text(state, "'")
        for label in self.labels:
            state = self._add_number(grammar, grammar.add_text(state, ",' "), label)
        grammar.final = grammar.add_text(state, "]")
        return grammar

    def _add_number(self, grammar: Grammar, start: int, label: Label) -> int:
        """Add a spaced number and its closing quote; returns the state after the quote."""
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
class GroupedAnswer:
    """Class and one three-digit number a label, ``M,150,563,497``.

    A number counts ``label.step`` from ``label.offset``, so that it is one Llama-3 token and
    neighbouring values are neighbouring tokens (TRAINING: what made the tiny text model good).
    """

    labels: tuple[Label, ...]

    def write(self, star: Star) -> str:
        words = [star.spectral_class]
        for label in self.labels:
            steps = round((star.values[label.name] - label.offset) / label.step)
            if not 0 <= steps <= 999:
                raise RangeError(
                    f"{label.name} = {star.values[label.name]} {label.unit} is outside the three "
                    f"digits from {label.offset} in steps of {label.step}"
                )
            words.append(f"{steps:03d}")
        return ",".join(words)

    def value(self, label: Label, steps: float) -> float:
        """The value that a number of steps stands for, free of binary dust."""
        return round(label.offset + steps * label.step, 6)

    def read(self, text: str) -> Star:
        if not re.fullmatch(rf"[{''.join(CLASSES)}](?:,[0-9]{{3}}){{{len(self.labels)}}}", text):
            raise ParseError(f"not a class and {len(self.labels)} numbers: {text[:60]!r}")
        spectral_class, *words = text.split(",")
        values = {
            label.name: self.value(label, int(word))
            for label, word in zip(self.labels, words, strict=True)
        }
        return Star(spectral_class, values)

    def grammar(self) -> Grammar:
        grammar = Grammar()
        state = grammar.add_choice(0, CLASSES)
        for _ in self.labels:
            state = grammar.add_text(state, ",")
            state = grammar.add_choice(state, (f"{number:03d}" for number in range(1000)))
        grammar.final = state
        return grammar


def answer_text(options: TextOptions) -> AnswerText:
    """The answer text of a config."""
    if options.answer == "grouped":
        return GroupedAnswer(PARAMETERS)
    return CharactersAnswer(PARAMETERS, options.decimals)
