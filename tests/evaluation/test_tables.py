import csv
import io
from dataclasses import replace

import pyarrow as pa

from spectralm.cli import main
from spectralm.evaluation import panels
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.residuals import residuals
from spectralm.evaluation.statistics import Statistics, statistics
from spectralm.evaluation.tables import rejects_csv, residual_panels, tidy_csv
from spectralm.files import read_parquet
from spectralm.rejects import Reject, rejects_table, write_rejects
from spectralm.samples.manifest import write_manifest

OPTIONS = EvaluationOptions(resamples=50)
NUMBERS = {
    "n": 1000,
    "unparsed": 3,
    "unlabelled": 0,
    "used": 997,
    "accuracy": 0.9,
    "mean": -12.4,
    "mean_low": -15.2,
    "mean_high": -0.04,
    "std": 84.4,
    "std_low": 80.0,
    "std_high": 88.0,
    "median": -0.0002,
    "mad_sigma": 70.0,
    "outlier_fraction": 0.0123,
    "bound_ratio": None,
}


def markdown(rows, caption, options) -> str:
    return panels.markdown(residual_panels(rows, options), caption, options.note)


def latex(rows, caption, options) -> str:
    return panels.latex(residual_panels(rows, options), caption, options.note)


NOTHING = dict.fromkeys(NUMBERS) | {"n": 0, "unparsed": 0, "unlabelled": 0, "used": 0}


def rows(run: str) -> list[Statistics]:
    return [
        Statistics(run=run, class_=name, label=label, **(NUMBERS if name == "A" else NOTHING))
        for name in ("A", "M")
        for label in ("teff", "logg", "feh")
    ]


def test_csv_reads_back_as_it_was(manifest, predictions):
    table = residuals(manifest, manifest["obsid"], predictions, "run")
    written = statistics("llm-lamost-1500", table, OPTIONS)
    read = list(csv.DictReader(io.StringIO(tidy_csv(written))))
    assert len(read) == len(written) == 6 * 3
    for line, row in zip(read, written, strict=True):
        assert (line["run"], line["class"], line["label"]) == (row.run, row.class_, row.label)
        assert int(line["n"]) == row.n
        assert float(line["std_high"]) == row.std_high


def test_ratio_to_the_bound_is_shown_where_a_bound_is_known():
    known = [replace(row, bound_ratio=2.34) if row.class_ == "A" else row for row in rows("m")]
    assert "bound" not in markdown(rows("m"), "Stars.", OPTIONS)
    text = markdown(known, "Stars.", OPTIONS)
    assert "Cramér-Rao" in text
    assert "| A | 2.3 | 2.3 | 2.3 |" in text
    assert "| M | – | – | – |" in text
    assert r"Cram\'er-Rao" in latex(known, "Stars.", OPTIONS)


def test_csv_has_nothing_where_there_is_nothing():
    line = list(csv.DictReader(io.StringIO(tidy_csv(rows("m")))))[-1]
    assert (line["class"], line["n"], line["mean"], line["accuracy"]) == ("M", "0", "", "")


def test_markdown_has_sensible_digits_and_dashes():
    lines = markdown(rows("llm-x-1"), "Stars.", OPTIONS).splitlines()
    assert "| A | 1000 | 3 | 90.0% | −12 ± 84 | −12.400 ± 84.400 | −12.400 ± 84.400 |" in lines
    assert "| M | 0 | 0 | – | – | – | – |" in lines
    assert any(line.startswith("| A | [−15, 0]; [80, 88] | ") for line in lines)
    assert any(line.startswith("| A | 0 ± 70 (1.2%) | 0.000 ± 70.000 (1.2%)") for line in lines)


def test_runs_stand_in_the_order_given_and_the_oracle_is_called_one():
    text = markdown(rows("ridge-x-1") + rows("class_mean-x-1") + rows("llm-x-1"), "", OPTIONS)
    places = [text.index(f"**{name}-x-1**") for name in ("ridge", "class_mean", "llm")]
    assert places == sorted(places)
    assert "oracle on class" in text
    assert "oracle" not in markdown(rows("llm-x-1"), "", OPTIONS)


def test_caption_says_what_an_outlier_and_an_interval_are():
    options = EvaluationOptions(interval=0.95, outlier_sigmas=4, resamples=77)
    for text in (markdown(rows("m"), "", options), latex(rows("m"), "", options)):
        assert "further than 4 " in text
        assert "77 bootstrap resamples of the stars" in text
        assert "95" in text
        assert "ddof = 0" in text


def test_captions_end_with_the_note():
    options = EvaluationOptions(note="All synthetic.")
    first = markdown(rows("m"), "Stars.", options).splitlines()[0]
    assert first.startswith("Stars. Mean μ")
    assert first.endswith(". All synthetic.")
    assert latex(rows("m"), "", options).count("All synthetic.}") == 3


def test_latex_is_balanced_and_escaped():
    text = latex(rows("class_mean-x-1"), "50% of R&D_x", OPTIONS)
    assert r"50\% of R\&D\_x" in text
    assert r"class\_mean-x-1" in text
    assert r"A & 1000 & 3 & 90.0\% & $-$12 $\pm$ 84 & " in text
    assert text.isascii()
    for name in ("table*", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 3
    for line in text.splitlines():
        if line.endswith(r"\\") and "multicolumn" not in line:
            assert line.replace(r"\&", "").count("&") in (3, 6)


def test_rejects_are_counted_by_stage_and_reason():
    first = [Reject(1, "a", "resample_spectra", "not_fits", ""), Reject(None, None, "s", "cut", "")]
    second = [Reject(3, "b", "resample_spectra", "not_fits", "x")]
    text = rejects_csv(pa.concat_tables([rejects_table(first), rejects_table(second)]))
    assert text == "stage,reason,count\nresample_spectra,not_fits,2\ns,cut,1\n"


def test_commands_from_predictions_to_tables(tmp_path, manifest, predictions):
    halves = {"sample": manifest, "predictions": predictions}
    for name, table in halves.items():
        write_manifest(tmp_path / name / "0.parquet", table[:1000])
        write_manifest(tmp_path / name / "1.parquet", table[1000:])
    paths = {
        name: [str(tmp_path / name / "0.parquet"), str(tmp_path / name / "1.parquet")]
        for name in halves
    }
    out = tmp_path / "residuals" / "llm-lamost-3000" / "lamost.parquet"
    given = ["--samples", *paths["sample"], "--spectra", *reversed(paths["sample"])]
    given += ["--predictions", *reversed(paths["predictions"]), "--targets", "parameters"]
    assert main(["compute-residuals", *given, "--out", str(out)]) == 0
    assert len(read_parquet(out)) == len(predictions)
    options = ["--options", OPTIONS.model_dump_json(), "--caption", "LAMOST."]
    files = {kind: tmp_path / f"table.{kind}" for kind in ("csv", "markdown", "latex")}
    written = [part for kind, path in files.items() for part in (f"--{kind}", str(path))]
    assert main(["tabulate-residuals", "--residuals", str(out), *options, *written]) == 0
    assert files["csv"].read_text().splitlines()[1].startswith("llm-lamost-3000,A,teff,")
    assert "**llm-lamost-3000**" in files["markdown"].read_text()
    twice = ["--residuals", str(out), str(out)]
    assert main(["tabulate-residuals", *twice, *options, *written]) == 1


def test_command_counts_rejects(tmp_path):
    write_rejects(tmp_path / "a.parquet", [Reject(1, "a", "s", "cut", "")] * 3)
    write_rejects(tmp_path / "b.parquet", [])
    given = ["--rejects", str(tmp_path / "a.parquet"), str(tmp_path / "b.parquet")]
    assert main(["tabulate-rejects", *given, "--out", str(tmp_path / "c.csv")]) == 0
    assert (tmp_path / "c.csv").read_text() == "stage,reason,count\ns,cut,3\n"
