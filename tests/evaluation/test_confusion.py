from evaluation.rows import (
    CLASS_MEAN,
    GIVEN_CLASS,
    plot,
    rows_of,
    tabulate,
    write_manifest,
    write_residuals,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from spectralm.evaluation.confusion import confusion
from spectralm.evaluation.figures import confusion as figure_of_confusion
from spectralm.evaluation.inputs import Inputs
from spectralm.labels.vocabulary import CLASSES


def table_of(pairs):
    """Residuals of (survey's class, model's class)."""
    survey, named = zip(*pairs, strict=True)
    status = ["parsed" if name else "no answer" for name in named]
    columns = {"class": list(survey), "predicted_class": list(named), "status": status}
    return rows_of(**columns, teff_residual=[0.0] * len(survey))


PAIRS = [("A", "A"), ("A", "A"), ("A", "F"), ("A", None), ("M", "M")]


def test_counts_and_accuracies_by_hand():
    matrix = confusion(table_of(PAIRS))
    assert matrix.counts[0].tolist() == [2, 1, 0, 0, 0, 1]
    assert matrix.counts[4].tolist() == [0, 0, 0, 0, 1, 0]
    assert matrix.accuracies == {"A": 0.5, "F": None, "G": None, "K": None, "M": 1, "All": 3 / 5}


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(CLASSES), st.sampled_from((*CLASSES, None))), min_size=1
    ).filter(lambda pairs: any(name for _, name in pairs))
)
def test_every_spectrum_is_counted_once(pairs):
    matrix = confusion(table_of(pairs))
    assert matrix.counts.sum() == len(pairs)
    assert matrix.accuracies["All"] == sum(a == b for a, b in pairs) / len(pairs)


def test_commands_name_a_model_without_classes(tmp_path):
    tables = {
        "ridge-lamost-20": table_of(PAIRS),
        "class_mean-lamost-20": rows_of(**{"class": ["A"]}, teff_residual=[1.0]),
    }
    paths = [write_residuals(tmp_path, run, "lamost", table) for run, table in tables.items()]
    manifests = [write_manifest(tmp_path, run) for run in tables]
    files = {"residuals": paths, "manifests": manifests}
    written = tabulate(tmp_path, "confusion", at="lamost-20", **files)
    text = written.markdown
    assert "| ridge-lamost-20 | 50.0% | – | – | – | 100.0% | 60.0% |" in text
    assert "| class_mean-lamost-20 |" not in text
    assert "Runs that name no class: class_mean-lamost-20." in text
    assert "| A | 2 (50.0%) | 1 (25.0%) | 0 | 0 | 0 | 1 (25.0%) |" in text
    assert "\n| F |" not in text
    assert {row["run"] for row in written.rows} == {"ridge-lamost-20"}
    assert sum(int(row["count"]) for row in written.rows) == 5
    for run, path in zip(tables, paths, strict=True):
        _, png = plot(tmp_path, "confusion", at=run, residuals=[path], manifests=manifests)
        assert png.stat().st_size > 5000


def test_the_figure_has_the_note_of_its_model(tmp_path):
    run = "class_mean-lamost-20"
    path = write_residuals(tmp_path, run, "lamost", table_of(PAIRS))
    manifest = write_manifest(tmp_path, run, **CLASS_MEAN)
    figure = figure_of_confusion.draw(Inputs(residuals=[path], manifests=[manifest]))
    title = figure.get_suptitle()
    plt.close(figure)
    assert "5 test spectra, accuracy 60.0%" in title
    assert GIVEN_CLASS in " ".join(title.split())
