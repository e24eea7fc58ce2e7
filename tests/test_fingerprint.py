import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectralm.cli import commands
from spectralm.fingerprint import fingerprint, import_closure, normal_form, source

CODE = '''"""Words."""
import math

def area(radius):
    """Words."""
    return math.pi * radius**2

class Star:
    """Words."""
    mass = 1
'''


@pytest.mark.parametrize(
    "same",
    [
        CODE.replace("import math\n", "import math  # a comment\n\n\n"),
        CODE.replace("Words.", "Other words."),
        CODE.replace('    """Words."""\n    return', "    return"),
        CODE.replace("radius**2", "radius ** 2"),
    ],
)
def test_comments_docstrings_and_layout_change_nothing(same):
    assert same != CODE
    assert normal_form(same) == normal_form(CODE)


@given(st.sampled_from(["math", "mass", "area", "radius"]), st.sampled_from(["cmath", "age"]))
def test_any_other_change_shows(old, new):
    assert normal_form(CODE.replace("2", "3")) != normal_form(CODE)
    assert normal_form(CODE.replace(old, new)) != normal_form(CODE)


def test_a_text_that_is_used_is_no_docstring():
    assert normal_form('name = "a"') != normal_form('name = "b"')


def test_closure_is_what_importing_runs():
    closure = import_closure("spectralm.cli.resample_spectra")
    assert {"spectralm.cli", "spectralm.spectra", "spectralm.spectra.resample"} <= closure
    assert not any(name.startswith(("spectralm.llm", "spectralm.evaluation")) for name in closure)
    assert "spectralm" not in closure
    assert all(source(name).is_file() for name in closure)


def test_commands_have_fingerprints_of_their_own():
    prints = {command: fingerprint(command.replace("-", "_")) for command in commands()}
    assert len(set(prints.values())) == len(prints) > 15
    assert fingerprint("train_baseline", "spectralm.baselines.kinds.ridge") != fingerprint(
        "train_baseline", "spectralm.baselines.kinds.class_mean"
    )
