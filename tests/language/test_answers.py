import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.labels.vocabulary import ABUNDANCES, CLASSES, PARAMETERS
from spectralm.language.answers import CharactersAnswer, GroupedAnswer, Star, answer_text
from spectralm.language.errors import ParseError, RangeError
from spectralm.language.options import TextOptions

CHARACTERS = answer_text(TextOptions())
WHOLE = CharactersAnswer(PARAMETERS, {"teff": 0, "logg": 1, "feh": 2})
GROUPED = GroupedAnswer(PARAMETERS)
PAPERS = Star("M", {"teff": 3794.66, "logg": 4.628, "feh": -0.0295})

#: Abundances that are asked for: any, in their order.
SUBSETS = st.sets(st.sampled_from(range(len(ABUNDANCES))), min_size=1).map(
    lambda places: tuple(ABUNDANCES[place] for place in sorted(places))
)
STAGE_2 = [TextOptions(answer="characters"), TextOptions(answer="grouped")]
PAPERS_ABUNDANCES = Star(
    None,
    {
        **{"c_fe": 0.15139999, "ci_fe": 0.13851999, "n_fe": -0.026254023},
        **{"o_fe": 0.22645499, "na_fe": -0.013063981, "mg_fe": 0.2755517},
    },
)

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


def of_paper(options: TextOptions):
    return answer_text(options, tuple(a for a in ABUNDANCES if a.name in PAPERS_ABUNDANCES.values))


def test_papers_example_of_stage_2_to_four_decimals():
    text = of_paper(TextOptions())
    answer = (
        "[C_FE:' 0 . 1 5 1 4 ', CI_FE:' 0 . 1 3 8 5 ', N_FE:' - 0 . 0 2 6 3 ', "
        "O_FE:' 0 . 2 2 6 5 ', NA_FE:' - 0 . 0 1 3 1 ', MG_FE:' 0 . 2 7 5 6 ']"
    )
    assert text.write(PAPERS_ABUNDANCES) == answer
    assert text.read(answer).values["n_fe"] == -0.0263


def test_grouped_example_of_stage_2():
    text = of_paper(TextOptions(answer="grouped"))
    answer = "C_FE:530,CI_FE:528,N_FE:495,O_FE:545,NA_FE:497,MG_FE:555"
    assert text.write(PAPERS_ABUNDANCES) == answer
    assert text.read(answer).values["na_fe"] == -0.015


@st.composite
def abundances(draw):
    """An answer text of any subset, and a star that has these abundances."""
    asked = draw(SUBSETS)
    values = {a.name: draw(st.floats(a.low, a.high)) for a in asked}
    return answer_text(draw(st.sampled_from(STAGE_2)), asked), Star(None, values)


@settings(deadline=None)
@given(abundances())
def test_any_subset_of_abundances_to_text_and_back(case):
    text, star = case
    answer = text.write(star)
    read = text.read(answer)
    assert text.write(read) == answer
    assert read.spectral_class is None
    assert list(read.values) == [label.name for label in text.labels]
    for label in text.labels:
        size = label.step if isinstance(text, GroupedAnswer) else 10.0**-label.decimals
        assert abs(read.values[label.name] - star.values[label.name]) <= size / 2 * 1.000001


@settings(deadline=None)
@given(abundances(), st.data())
def test_grammar_of_abundances_accepts_exactly_what_the_parser_reads(case, data):
    text, star = case
    answer = text.write(star)
    grammar = text.grammar()
    assert grammar.accepts(answer)
    place = data.draw(st.integers(0, len(answer) - 1))
    character = data.draw(st.sampled_from("0123456789-., ':[]_ACEFNM٣"))
    changed = answer[:place] + character + answer[place + data.draw(st.integers(0, 1)) :]
    try:
        assert text.write(text.read(changed)) == changed
        readable = True
    except ParseError:
        readable = False
    assert grammar.accepts(changed) == readable


@settings(deadline=None)
@given(abundances(), st.data())
def test_any_walk_through_the_grammar_of_abundances_answers_what_is_asked(case, data):
    text, _ = case
    grammar = text.grammar()
    state, answer = 0, ""
    while state != grammar.final:
        piece = data.draw(st.sampled_from(sorted(grammar.edges[state])))
        state, answer = grammar.edges[state][piece], answer + piece
    assert list(text.read(answer).values) == [label.name for label in text.labels]


@settings(deadline=None)
@given(abundances(), SUBSETS)
def test_only_the_asked_fields_are_an_answer(case, others):
    text, star = case
    other = type(text)(others, *([text.decimals] if isinstance(text, CharactersAnswer) else []))
    assert other.grammar().accepts(text.write(star)) == (others == text.labels)


@pytest.mark.parametrize("options", STAGE_2, ids=lambda options: options.answer)
def test_an_abundance_that_cannot_be_spelled_is_refused_by_name(options):
    with pytest.raises(RangeError, match="n_fe"):
        of_paper(options).write(Star(None, {**PAPERS_ABUNDANCES.values, "n_fe": 10.5}))
