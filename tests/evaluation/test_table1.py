import pyarrow as pa
from evaluation.rows import published, tabulate

from spectralm.evaluation.options import EvaluationOptions
from spectralm.files import write_parquet
from spectralm.labels.vocabulary import ABUNDANCES


def test_spectra_are_counted_by_class_and_element(tmp_path, repository):
    columns = {label.name: pa.nulls(4, pa.float64()) for label in ABUNDANCES}
    columns |= {"class": ["A", "A", "M", "M"]}
    columns |= {"mg_fe": [0.1, 0.2, 0.3, None], "o_fe": [None, 0.0, None, None]}
    write_parquet(tmp_path / "apogee.parquet", pa.table(columns))
    table = tabulate(
        tmp_path,
        "table1",
        catalogue=[tmp_path / "apogee.parquet"],
        published=[published(repository, 1)],
        options=EvaluationOptions(note="Synthetic."),
    )
    rows = {(row["class"], row["label"]): row for row in table.rows}
    ours = {key: int(row["ours"]) for key, row in rows.items()}
    assert (ours["A", "mg_fe"], ours["M", "mg_fe"], ours["All", "mg_fe"]) == (2, 1, 3)
    assert (ours["A", "o_fe"], ours["G", "mg_fe"], ours["All", "ce_fe"]) == (1, 0, 0)
    assert (ours["All", "any"], ours["M", "any"]) == (3, 1)
    assert rows["A", "mg_fe"]["difference"] == "-567.0"
    line = "| [Mg/Fe] | 2 | 569 | 0 | 24021 | 0 | 111831 | 0 | 42221 | 1 | 17304 | 3 |"
    assert line in table.markdown
    assert table.markdown.splitlines()[0].endswith("Synthetic.")
