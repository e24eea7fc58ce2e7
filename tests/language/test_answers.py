import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.labels.vocabulary import CLASSES, PARAMETERS
from spectralm.language.answers import CharactersAnswer, GroupedAnswer, Star, answer_text
from spectralm.language.errors import ParseError, RangeError
from spectralm.language.options import TextOptions

CHARACTERS = answer_text(TextOptions())
WHOLE = CharactersAnswer(PARAMETERS, {"teff": 0, "logg": 1, "feh": 2})
GROUPED = GroupedAnswer(PARAMETERS)
PAPERS = Star("M", {"teff": 3794.66, "logg": 4.628, "feh": -0.0295})

STARS = st.builds(
    lambda spectral_class, *values: Star(
        spectral_class,
        dict(zip((label.name for label in PARAMETERS), values, strict=True)),
    ),
    st.sampled_from(CLASSES),
    *(st.floats(label.low, label.high - label.step) for label in PARAMETERS),
)


def test_papers_example():
    assert CHARACTERS.write(PAPERS) == "[ 'M',' 3 7 9 4 . 6 6 ',' 4 . 6 2 8 ',' - 0 . 0 2 9 5 ']"
    assert CHARACTERS.read(CHARACTERS.write(PAPERS)) == PAPERS


def test_grouped_example():
    assert GROUPED.write(PAPERS) == "M,150,563,497"
    assert GROUPED.read("M,150,563,497") == Star("M", {"teff": 3800.0, "logg": 4.63, "feh": -0.03})


def test_whole_numbers_have_no_point():
    assert WHOLE.write(PAPERS) == "[ 'M',' 3 7 9 5 ',' 4 . 6 ',' - 0 . 0 3 ']"
    assert WHOLE.grammar().accepts(WHOLE.write(PAPERS))


@settings(deadline=None)
@given(star=STARS, text=st.sampled_from([CHARACTERS, WHOLE, GROUPED]))
def test_star_to_text_to_star_to_text(star, text):
    answer = text.write(star)
    read = text.read(answer)
    assert text.write(read) == answer
    assert read.spectral_class == star.spectral_class
    for label in PARAMETERS:
        size = label.step if text is GROUPED else 10.0 ** -text.decimals[label.name]
        assert abs(read.values[label.name] - star.values[label.name]) <= size / 2 * 1.000001


@settings(deadline=None)
@given(star=STARS, text=st.sampled_from([CHARACTERS, WHOLE, GROUPED]), data=st.data())
def test_grammar_accepts_exactly_what_the_parser_reads(star, text, data):
    answer = text.write(star)
    assert text.grammar().accepts(answer)
    place = data.draw(st.integers(0, len(answer) - 1))
    character = data.draw(st.sampled_from("0123456789-., '[]AMBx٣"))
    changed = answer[:place] + character + answer[place + data.draw(st.integers(0, 1)) :]
    try:
        text.read(changed)
        readable = True
    except ParseError:
        readable = False
    assert text.grammar().accepts(changed) == readable


@settings(deadline=None)
@given(text=st.sampled_from([CHARACTERS, WHOLE, GROUPED]), data=st.data())
def test_any_walk_through_the_grammar_ends_in_a_readable_answer(text, data):
    grammar = text.grammar()
    state, answer = 0, ""
    while state != grammar.final:
        piece = data.draw(st.sampled_from(sorted(grammar.edges[state])))
        state, answer = grammar.edges[state][piece], answer + piece
    assert text.write(text.read(answer)) == answer


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        (GROUPED, "teff", 14000.0),
        (GROUPED, "teff", 1500.0),
        (GROUPED, "feh", -5.2),
        (CHARACTERS, "teff", -30.0),
        (CHARACTERS, "logg", 12.0),
        (CHARACTERS, "teff", float("nan")),
    ],
)
def test_a_label_that_cannot_be_spelled_is_refused_by_name(text, name, value):
    with pytest.raises(RangeError, match=name):
        text.write(Star("A", {**PAPERS.values, name: value}))
