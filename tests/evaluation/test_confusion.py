import csv

from evaluation.rows import rows_of
from hypothesis import given, settings
from hypothesis import strategies as st

from spectralm.cli import main
from spectralm.evaluation.confusion import confusion
from spectralm.files import write_parquet
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


def test_commands_tell_of_a_model_without_classes(tmp_path):
    paths = []
    for run, pairs in (("ridge-lamost-20", PAIRS), ("class_mean-lamost-20", None)):
        path = tmp_path / run / "lamost.parquet"
        silent = rows_of(**{"class": ["A"]}, teff_residual=[1.0])
        write_parquet(path, table_of(pairs) if pairs else silent)
        paths.append(str(path))
    out = [p for k in ("csv", "markdown", "latex") for p in (f"--{k}", str(tmp_path / k))]
    given = ["--caption", "Of 20 spectra.", "--note", "All synthetic.", *out]
    assert main(["tabulate-confusion", "--residuals", *paths, *given]) == 0
    text = (tmp_path / "markdown").read_text()
    assert "| ridge-lamost-20 | 50.0% | – | – | – | 100.0% | 60.0% |" in text
    assert "| class_mean-lamost-20 | – | – | – | – | – | names no class |" in text
    assert "| A | 2 (50.0%) | 1 (25.0%) | 0 | 0 | 0 | 1 (25.0%) |" in text
    rows = list(csv.DictReader((tmp_path / "csv").read_text().splitlines()))
    assert {row["run"] for row in rows} == {"ridge-lamost-20"}
    assert sum(int(row["count"]) for row in rows) == 5
    for path in paths:
        given = [
            "--caption",
            "C.",
            "--pdf",
            str(tmp_path / "f.pdf"),
            "--png",
            str(tmp_path / "f.png"),
        ]
        assert main(["plot-confusion", "--residuals", path, *given]) == 0
        assert (tmp_path / "f.png").stat().st_size > 5000
