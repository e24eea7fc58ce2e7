"""Residuals by class: mean and sigma, intervals and robust statistics, in each form."""

import csv
import io
from dataclasses import replace

from evaluation.rows import CLASS_MEAN, GIVEN_CLASS, write_manifest

from spectralm.cli import main
from spectralm.evaluation import render
from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.residuals import residuals
from spectralm.evaluation.statistics import Statistics, statistics
from spectralm.evaluation.tables.residuals import table
from spectralm.evaluation.tidy import csv_text
from spectralm.files import read_parquet
from spectralm.samples.manifest import write_manifest as write_sample

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
    "floor_ratio": None,
    "truth_mean": None,
    "truth_std": None,
}


def markdown(rows, **given) -> str:
    return render.markdown(table(rows, Inputs(**{"options": OPTIONS} | given)))


def latex(rows, **given) -> str:
    return render.latex(table(rows, Inputs(**{"options": OPTIONS} | given)))


NOTHING = dict.fromkeys(NUMBERS) | {"n": 0, "unparsed": 0, "unlabelled": 0, "used": 0}


def rows(run: str) -> list[Statistics]:
    return [
        Statistics(run=run, class_=name, label=label, **(NUMBERS if name == "A" else NOTHING))
        for name in ("A", "M")
        for label in ("teff", "logg", "feh")
    ]


def test_csv_reads_back_as_it_was(manifest, predictions):
    found = residuals(manifest, manifest["obsid"], predictions, "run")
    written = statistics("llm-lamost-1500", found, OPTIONS)
    read = list(csv.DictReader(io.StringIO(csv_text(Statistics, written))))
    assert len(read) == len(written) == 6 * 3
    for line, row in zip(read, written, strict=True):
        assert (line["run"], line["class"], line["label"]) == (row.run, row.class_, row.label)
        assert int(line["n"]) == row.n
        assert float(line["std_high"]) == row.std_high


def test_floor_and_truth_are_shown_where_they_are_known():
    found = rows("m-x-1")
    limits = {"floor_ratio": 2.342, "truth_mean": 3.2, "truth_std": 0.1234}
    known = [replace(row, **limits) if row.class_ == "A" else row for row in found]
    assert "floor" not in markdown(found)
    assert "true value" not in markdown(found)
    text = markdown(known)
    assert "Cramér-Rao" in text
    assert "| A | 2.34 | 2.34 | 2.34 |" in text
    assert "| A | 3 ± 0 | 3.200 ± 0.123 | 3.200 ± 0.123 |" in text
    assert "| M |" not in text
    assert r"Cram\'er-Rao" in latex(known)


def test_csv_has_nothing_where_there_is_nothing():
    line = list(csv.DictReader(io.StringIO(csv_text(Statistics, rows("m-x-1")))))[-1]
    assert (line["class"], line["n"], line["mean"], line["accuracy"]) == ("M", "0", "", "")


def test_markdown_has_sensible_digits_and_dashes():
    found = rows("llm-x-1")
    lines = markdown(found).splitlines()
    assert "| A | 1000 | 3 | 90.0% | −12 ± 84 | −12.400 ± 84.400 | −12.400 ± 84.400 |" in lines
    assert not any(line.startswith("| M |") for line in lines)
    assert any(line.startswith("| A | [−15, 0]; [80, 88] | ") for line in lines)
    assert any(line.startswith("| A | 0 ± 70 (1.2%) | 0.000 ± 70.000 (1.2%)") for line in lines)
    mute = [replace(row, n=2, unparsed=2) if row.class_ == "M" else row for row in found]
    assert "| M | 2 | 2 | – | – | – | – |" in markdown(mute).splitlines()


def test_a_run_without_spectra_is_not_shown():
    found = [row for row in rows("llm-x-1") if row.class_ == "M"]
    assert "**llm-x-1**" not in markdown(found)
    assert "**ridge-x-1**" in markdown(rows("ridge-x-1") + found)


def test_runs_stand_in_the_order_given_and_with_the_note_of_their_model(tmp_path):
    given = {"manifests": [write_manifest(tmp_path, "class_mean-x-1", **CLASS_MEAN)]}
    text = markdown(rows("ridge-x-1") + rows("class_mean-x-1") + rows("llm-x-1"), **given)
    places = [text.index(f"**{name}-x-1**") for name in ("ridge", "class_mean", "llm")]
    assert places == sorted(places)
    assert text.count(GIVEN_CLASS) == 1
    assert "given LAMOST's" not in markdown(rows("llm-x-1"), **given)


def test_caption_says_what_an_outlier_and_an_interval_are():
    options = EvaluationOptions(interval=0.95, outlier_sigmas=4, resamples=77)
    for text in (markdown(rows("m-x-1"), options=options), latex(rows("m-x-1"), options=options)):
        assert "further than 4 " in text
        assert "77 bootstrap resamples of the stars" in text
        assert "95" in text
        assert "ddof = 0" in text


def test_captions_end_with_the_note():
    given = {"options": EvaluationOptions(note="All synthetic."), "at": "lamost-1500"}
    lines = markdown(rows("m-lamost-1500"), **given).splitlines()
    caption = (
        "Residuals, predicted − survey, on the test spectra of a sample of 1500 spectra from "
        "lamost. All synthetic."
    )
    assert lines[0] == caption
    assert lines[2].startswith("Mean μ")
    assert "\n".join(lines).count("All synthetic.") == 1
    text = latex(rows("m-lamost-1500"), **given)
    assert text.count("All synthetic.}") == 3
    assert text.count("of a sample of 1500 spectra from lamost.") == 1


def test_latex_is_balanced_and_escaped():
    options = OPTIONS.model_copy(update={"note": "50% of R&D_x"})
    text = latex(rows("class_mean-x-1"), options=options)
    assert r"50\% of R\&D\_x" in text
    assert r"class\_mean-x-1" in text
    assert r"A & 1000 & 3 & 90.0\% & $-$12 $\pm$ 84 & " in text
    assert text.isascii()
    for name in ("table*", "tabular"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") == 3
    for line in text.splitlines():
        if line.endswith(r"\\") and "multicolumn" not in line:
            assert line.replace(r"\&", "").count("&") in (3, 6)


def test_commands_from_predictions_to_tables(tmp_path, manifest, predictions):
    halves = {"sample": manifest, "predictions": predictions}
    for name, half in halves.items():
        write_sample(tmp_path / name / "0.parquet", half[:1000])
        write_sample(tmp_path / name / "1.parquet", half[1000:])
    paths = {
        name: [str(tmp_path / name / "0.parquet"), str(tmp_path / name / "1.parquet")]
        for name in halves
    }
    out = tmp_path / "residuals" / "llm-lamost-3000" / "lamost.parquet"
    given = ["--samples", *paths["sample"], "--spectra", *reversed(paths["sample"])]
    given += ["--predictions", *reversed(paths["predictions"]), "--targets", "parameters"]
    assert main(["compute-residuals", *given, "--out", str(out)]) == 0
    assert len(read_parquet(out)) == len(predictions)
    options = ["--options", OPTIONS.model_dump_json(), "--at", "lamost-3000", "--out"]
    command = ["tabulate", "residuals", *options, str(tmp_path), "--residuals", str(out)]
    assert main(command) == 0
    written = (tmp_path / "residuals-lamost-3000.csv").read_text()
    assert written.splitlines()[1].startswith("llm-lamost-3000,A,teff,")
    assert "**llm-lamost-3000**" in (tmp_path / "residuals-lamost-3000.md").read_text()
    assert main([*command, str(out)]) == 1
