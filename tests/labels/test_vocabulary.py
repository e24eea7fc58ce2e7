import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS, SPECIES, Ask


def test_what_each_stage_asks():
    assert Ask("parameters") == Ask.PARAMETERS
    assert Ask.PARAMETERS.labels == PARAMETERS
    assert Ask.ABUNDANCES.labels == ABUNDANCES
    assert (Ask.PARAMETERS.kind, Ask.ABUNDANCES.kind) == ("parameters", "abundances")


@given(st.sets(st.sampled_from(SPECIES), min_size=1))
def test_any_abundances_in_their_order(chosen):
    species = [name for name in SPECIES if name in chosen]
    ask = Ask(",".join(species))
    assert [label.text for label in ask.labels] == [f"{name}_FE" for name in species]
    assert ask.kind == "abundances"


@pytest.mark.parametrize("text", ["", "abundances", "FE", "MG,C", "C,C", "C,", "c"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="neither 'parameters' nor a list of C, CI"):
        Ask(text)
