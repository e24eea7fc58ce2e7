"""The report as a browser would get it."""

import base64
import io
import json
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from PIL import Image

from spectralm.cli.write_report import run
from spectralm.evaluation.comparison import Compared
from spectralm.evaluation.elements import CORRELATIONS, Element
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import Manifest
from spectralm.evaluation.statistics import Statistics
from spectralm.evaluation.tables.confusion import Row as ConfusionRow
from spectralm.evaluation.tidy import write_rows
from spectralm.labels.vocabulary import PARAMETERS
from spectralm.report.items import WIDTH, counts, table
from spectralm.report.page import versions_of
from spectralm.report.timings import duration, timings

NOTHING = (None, None, None)
MEAN = "class_mean-lamost-20"


def element(run: str, label: str, ratio: float | None, source: str | None) -> Element:
    """A row of the table of elements."""
    nothing = (None,) * 4
    return Element(run, label, *nothing, 9, 0.1, 0.1, ratio, ratio, ratio, *nothing[:3], source)


COMPARED = [
    Compared(3, "lamost", *row)
    for row in (
        ("LLM", "tiny-lamost-20", "", "A", "teff", "sigma", "K", 11.0, 10.0, 12.0, 150.0, -139.0),
        ("LLM", "tiny-lamost-20", "", "A", "teff", "mu", "K", -5.0, -9.0, 1.0, -13.0, 8.0),
        ("LLM", "tiny-lamost-20", "", "A", "", "n", "", 7, None, None, None, None),
        ("LLM", "tiny-lamost-20", "", "All", "teff", "mu", "K", 1.0, 0.0, 2.0, 14.0, -13.0),
        ("LLM", "tiny-lamost-20", "", "All", "teff", "sigma", "K", 92.6, 90.1, 94.9, 150.0, -57.4),
        ("GRU", "gru-lamost-20", "not run", "All", "teff", "sigma", "K", *NOTHING, 440.0, None),
        ("class_mean", MEAN, "", "All", "logg", "sigma", "dex", 1.0, 0.9, 1.1, None, None),
    )
]
ELEMENTS = [
    element("llm-apogee-20", "mg_fe", 0.80, "its lines"),
    element("llm-apogee-20", "si_fe", 0.98, CORRELATIONS),
    element("llm-apogee-20", "ce_fe", None, None),
    element("ridge-apogee-20", "mg_fe", 1.30, None),
]
REJECTS = "stage,reason,count\nread_galah,<script>alert(1)</script>|b,3\n"
BENCHMARK = "s\th:m:s\tmax_rss\tcpu_time\n{}\t0:00:01\t142.05\t0.5\n"
NOTE = "All our spectra are synthetic."


class Page(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> str:
    """A report of a few tables, two figures, and two models."""
    folder = tmp_path_factory.mktemp("report")
    write_rows(folder / "table3.csv", Compared, COMPARED)
    write_rows(folder / "elements-apogee-20.csv", Element, ELEMENTS)
    (folder / "rejects-galah.csv").write_text(REJECTS)
    (folder / "lamost.cuts.csv").write_text('"reason","rows_cut"\n"label missing",71\n')
    for name, width in {"scaling-lamost": 2130, "confusion-tiny-lamost-20": 1050}.items():
        Image.new("RGB", (width, 500), "white").save(folder / f"{name}.png")
    made = {"n_train": 1234, "parameters": 5, "seconds": 90.0, "git_commit": "ab" * 20}
    facts = {"tiny-lamost-20": {"kind": "llm"} | made | {"versions": {"torch": "2.13"}}}
    facts[MEAN] = made | {"kind": "class_mean", "given": ["class"], "looks_at_spectrum": False}
    manifests = [folder / run / "manifest.json" for run in facts]
    for path in manifests:
        path.parent.mkdir()
        path.write_text(json.dumps(facts[path.parent.name]))
    (folder / "benchmarks").mkdir()
    (folder / "benchmarks" / "sky.tsv").write_text(BENCHMARK.format(12.5))
    run(
        key=folder / "table3.csv",
        elements=folder / "elements-apogee-20.csv",
        tables=[folder / "table3.csv"],
        figures=sorted(folder.glob("*.png")),
        rejects=[folder / "rejects-galah.csv"],
        cuts=[folder / "lamost.cuts.csv"],
        manifests=manifests,
        benchmarks=folder / "benchmarks",
        rules=json.dumps({"make_sky": r".*/sky\.tsv"}),
        config=json.dumps({"samples": {"seed": 7}}),
        options=EvaluationOptions(note=NOTE),
        out=folder / "report" / "index.html",
    )
    return (folder / "report" / "index.html").read_text()


@pytest.fixture(scope="module")
def page(source) -> Page:
    return Page(source)


def test_nothing_outside_of_the_page_and_no_script(page, source):
    assert not page.all("script")
    assert not page.all("link")
    assert all(image["src"].startswith("data:image/webp;base64,") for image in page.all("img"))
    outside = [link["href"] for link in page.all("a") if not link["href"].startswith("#")]
    assert outside == ["../confusion-tiny-lamost-20.pdf", "../scaling-lamost.pdf"]
    assert "@import" not in source
    assert "url(" not in source
    assert "<script>alert(1)</script>" in page.text


def test_every_link_of_the_contents_leads_somewhere_and_ids_are_single(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [link["href"] for link in page.all("a")]
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)


def test_the_summary_has_ours_and_the_papers_numbers_of_all_classes(page):
    summary = page.text[page.text.index("Standard deviation") :].split("Comparison with the paper")[
        0
    ]
    for words in ("LLM", "tiny-lamost-20", "93", "90–95", "150", "GRU", "440"):
        assert words in summary
    assert "11" not in summary.split("LLM")[1].split("GRU")[0]
    assert "class_mean is given LAMOST's class of each star" in summary


def test_the_summary_names_the_elements_that_a_model_reads_from_lines(page):
    for row in (
        ("llm-apogee-20", "2", "0.89", "[Mg/Fe]"),
        ("ridge-apogee-20", "1", "1.30", "none"),
    ):
        assert "".join(row) in page.text


def test_what_is_on_the_page(page):
    expected = (
        NOTE,
        "label missing",
        "71",
        "make_sky",
        "12.5 s",
        "1,234",
        "torch",
        "seed: 7",
        "abababab",
    )
    for words in expected:
        assert words in page.text, words
    titles = (
        "Scaling with data",
        "Confusion of classes",
        "Comparison with the paper",
        "Cuts: lamost",
    )
    for title in titles:
        assert title in page.text, title


def test_cells_are_marked(page):
    assert sum("published" in (cell.get("class") or "") for cell in page.all("td")) >= 2
    assert [row for row in page.all("td") if "all" in (row.get("class") or "").split()]


def test_figures_are_embedded_small_and_open_their_pdf(page):
    sizes = []
    for image in page.all("img"):
        opened = Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2])))
        sizes.append(opened.size)
        assert image["alt"]
    assert sizes == [(WIDTH, round(500 * WIDTH / 1050)), (WIDTH, round(500 * WIDTH / 2130))]


def test_both_schemes_narrow_screens_and_paper_are_thought_of(source):
    for query in ("prefers-color-scheme: dark", "max-width: 40rem", "@media print"):
        assert query in source
    assert 'name="viewport"' in source


def test_cuts_of_any_columns_are_shown(tmp_path):
    (tmp_path / "galah.stars.cuts.csv").write_text("stage,reason,rows_cut\nread,a|b,3\n")
    item = counts(tmp_path / "galah.stars.cuts.csv")
    assert item.name == "Cuts: galah stars"
    assert "<td>3</td>" in item.html
    assert '<td class="words">a|b</td>' in item.html


def test_the_notes_of_a_table_are_of_its_own_runs(tmp_path):
    row = Statistics(
        "ridge-lamost-20", "A", "teff", 1, 0, 0, 1, 1.0, *(1.0,) * 6, *(1.0,) * 3, *NOTHING
    )
    labels = [replace(row, label=label.name) for label in PARAMETERS]
    write_rows(tmp_path / "confusion-lamost-20.csv", ConfusionRow, [])
    write_rows(tmp_path / "residuals-lamost-20.csv", Statistics, labels)
    manifests = []
    for name in ("silent-lamost-20", "silent-lamost-200", "silent-apogee-20"):
        manifests.append(tmp_path / name / "manifest.json")
        manifests[-1].parent.mkdir()
        manifests[-1].write_text("{}")
    shown = table(tmp_path / "confusion-lamost-20.csv", manifests, EvaluationOptions()).html
    assert "Runs that name no class: silent-lamost-20." in shown
    assert (
        "<td>1 ± 1</td>"
        in table(tmp_path / "residuals-lamost-20.csv", manifests, EvaluationOptions()).html
    )


def test_timings_are_summed_by_rule_and_missing_numbers_are_none(tmp_path):
    for name, text in {"a": "10.0", "b": "30.0", "c": "-"}.items():
        (tmp_path / f"{name}.tsv").write_text(BENCHMARK.format(text))
    (timing,) = timings(tmp_path, {"rule": r".*/[abc]\.tsv", "other": "x"})
    assert (timing.rule, timing.jobs, timing.seconds, timing.longest) == ("rule", 3, 40.0, 30.0)
    assert duration(40.0) == "40 s"
    assert duration(5400.0) == "90.0 min"
    assert duration(36000.0) == "10.0 h"


def test_versions_that_differ_are_both_shown():
    model = Manifest("llm", versions={"torch": "1"})
    assert versions_of([model], {"torch": "2", "numpy": "3"}) == {"numpy": "3", "torch": "2, 1"}
