import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS, SPECIES, Targets


def test_what_each_stage_asks():
    assert Targets("parameters") == Targets.PARAMETERS
    assert Targets.PARAMETERS.labels == PARAMETERS
    assert Targets.ABUNDANCES.labels == ABUNDANCES
    assert (Targets.PARAMETERS.kind, Targets.ABUNDANCES.kind) == ("parameters", "abundances")


@given(st.sets(st.sampled_from(SPECIES), min_size=1))
def test_any_abundances_in_their_order(chosen):
    species = [name for name in SPECIES if name in chosen]
    targets = Targets(",".join(species))
    assert [label.text for label in targets.labels] == [f"{name}_FE" for name in species]
    assert targets.kind == "abundances"


@pytest.mark.parametrize("text", ["", "abundances", "FE", "MG,C", "C,C", "C,", "c"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="neither 'parameters' nor a list of C, CI"):
        Targets(text)
