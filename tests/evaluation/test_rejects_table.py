import pyarrow as pa
from evaluation.rows import tabulate

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.tables import rejects
from spectralm.evaluation.tidy import csv_text
from spectralm.files import write_parquet
from spectralm.rejects import Reject, rejects_table, write_rejects


def test_rejects_are_counted_by_stage_and_reason(tmp_path):
    first = [Reject(1, "a", "resample_spectra", "not_fits", ""), Reject(None, None, "s", "cut", "")]
    second = [Reject(3, "b", "resample_spectra", "not_fits", "x")]
    path = tmp_path / "rejects.parquet"
    write_parquet(path, pa.concat_tables([rejects_table(first), rejects_table(second)]))
    text = csv_text(rejects.Row, rejects.rows(Inputs(rejects=[path])))
    assert text == "stage,reason,count\nresample_spectra,not_fits,2\ns,cut,1\n"


def test_command_counts_rejects(tmp_path):
    paths = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    write_rejects(paths[0], rejects_table([Reject(1, "a", "s", "cut", "")] * 3))
    write_rejects(paths[1], rejects_table([]))
    written = tabulate(tmp_path, "rejects", at="lamost", rejects=paths)
    text = (tmp_path / "tables" / "rejects-lamost.csv").read_text()
    assert text == "stage,reason,count\ns,cut,3\n"
    assert written.markdown.startswith("Every refused row and file of lamost, ")
    assert "| s | cut | 3 |" in written.markdown
