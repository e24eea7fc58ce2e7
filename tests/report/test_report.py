"""The report as a browser would get it."""

import base64
import io
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from spectralm.cli.write_report import run
from spectralm.report.exhibits import WIDTH, figure, read_captions, table
from spectralm.report.page import Model, versions_of
from spectralm.report.timings import duration, timings

CAPTIONS = Path(__file__).parents[2] / "workflow" / "report"
TABLE = """A caption with <script>alert(1)</script>.

**LLM (tiny-lamost-20)**

| Class | N | Teff (K) | paper |
|---|---|---|---|
| A | 5 | −5 ± 116 | −13 ± 433 |
| All | 5 | −5 ± 116 | −13 ± 433 |
"""
KEY = """table,model,run,status,class,label,quantity,unit,ours,low,high,published,difference
3,LLM,tiny-lamost-20,,A,teff,sigma,K,11.0,10.0,12.0,150.0,-139.0
3,LLM,tiny-lamost-20,,All,teff,mu,K,1.0,0.0,2.0,14.0,-13.0
3,LLM,tiny-lamost-20,,All,teff,sigma,K,92.6,90.1,94.9,150.0,-57.4
3,GRU,,not run,All,teff,sigma,K,,,,440.0,
3,class_mean,class_mean-lamost-20,,All,logg,sigma,dex,1.0,0.9,1.1,,
"""
ELEMENTS = """run,label,ratio,ratio_low,ratio_high,source
llm-apogee-20,mg_fe,0.80,0.70,0.90,its lines
llm-apogee-20,si_fe,0.98,0.95,1.02,correlations
llm-apogee-20,ce_fe,,,,
ridge-apogee-20,mg_fe,1.30,,,
"""
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
    """A report of one table, two figures, and one model."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "table3.md").write_text(TABLE)
    (folder / "table3.csv").write_text(KEY)
    (folder / "elements-apogee-20.csv").write_text(ELEMENTS)
    (folder / "lamost.cuts.csv").write_text('"reason","rows_cut"\n"label missing",71\n')
    for name, width in {"scaling-lamost": 2130, "confusion-tiny-lamost-20": 1050}.items():
        Image.new("RGB", (width, 500), "white").save(folder / f"{name}.png")
    manifest = folder / "tiny-lamost-20" / "manifest.json"
    manifest.parent.mkdir()
    told = {"kind": "llm", "n_train": 1234, "parameters": 5, "seconds": 90.0}
    manifest.write_text(json.dumps(told | {"git_commit": "ab" * 20, "versions": {"torch": "2.13"}}))
    (folder / "benchmarks").mkdir()
    (folder / "benchmarks" / "sky.tsv").write_text(BENCHMARK.format(12.5))
    run(
        key=folder / "table3.csv",
        elements=folder / "elements-apogee-20.csv",
        tables=[folder / "table3.md"],
        figures=sorted(folder.glob("*.png")),
        counts=[folder / "lamost.cuts.csv"],
        captions=sorted(CAPTIONS.glob("*/*.rst")),
        manifests=[manifest],
        benchmarks=folder / "benchmarks",
        rules=json.dumps({"make_sky": r".*/sky\.tsv"}),
        config=json.dumps({"samples": {"seed": 7}}),
        note=NOTE,
        out=folder / "index.html",
    )
    return (folder / "index.html").read_text()


@pytest.fixture(scope="module")
def page(source) -> Page:
    return Page(source)


def test_nothing_outside_of_the_page_and_no_script(page, source):
    assert not page.all("script") and not page.all("link")
    assert all(image["src"].startswith("data:image/webp;base64,") for image in page.all("img"))
    assert all(link["href"].startswith("#") for link in page.all("a"))
    assert "@import" not in source and "url(" not in source
    assert "<script>alert(1)</script>" in page.text


def test_every_link_of_the_contents_leads_somewhere_and_ids_are_single(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in page.all("a")} <= set(ids)


def test_the_summary_has_ours_and_the_papers_numbers_of_all_classes(page):
    summary = page.text[page.text.index("Standard deviation") :].split("Beside the paper")[0]
    for told in ("LLM", "tiny-lamost-20", "93", "90–95", "150", "GRU", "440"):
        assert told in summary
    assert "11" not in summary.split("LLM")[1].split("GRU")[0]
    assert "class_mean is told the survey's class of each star" in summary


def test_the_summary_tells_which_elements_a_model_knows_better(page):
    for row in (
        ("llm-apogee-20", "2", "0.89", "[Mg/Fe]"),
        ("ridge-apogee-20", "1", "1.30", "none"),
    ):
        assert "".join(row) in page.text


def test_what_is_on_the_page(page):
    told = (
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
    for words in told:
        assert words in page.text, words
    titles = ("Scaling with data", "Confusion of classes", "Beside the paper", "Cuts: lamost")
    for title in titles:
        assert title in page.text, title


def test_cells_are_marked(page):
    assert sum("published" in (cell.get("class") or "") for cell in page.all("td")) >= 2
    assert [row for row in page.all("td") if "all" in (row.get("class") or "").split()]


def test_wide_figures_are_made_smaller_and_others_are_not(page):
    sizes = []
    for image in page.all("img"):
        opened = Image.open(io.BytesIO(base64.b64decode(image["src"].partition(",")[2])))
        sizes.append(opened.size)
        assert image["alt"]
    assert sizes == [(1050, 500), (WIDTH, round(500 * WIDTH / 2130))]


def test_both_schemes_narrow_screens_and_paper_are_thought_of(source):
    for query in ("prefers-color-scheme: dark", "max-width: 40rem", "@media print"):
        assert query in source
    assert 'name="viewport"' in source


def test_a_pipe_in_a_csv_and_a_table_without_words(tmp_path):
    (tmp_path / "rejects-lamost.csv").write_text("stage,reason,count\nread,a|b,3\n")
    exhibit = table(tmp_path / "rejects-lamost.csv")
    assert (exhibit.kind, exhibit.name) == ("rejects", "lamost")
    assert "<td>3</td>" in exhibit.html
    assert '<td class="words">a/b</td>' in exhibit.html


def test_an_unknown_kind_of_figure_is_shown_under_its_own_name(tmp_path):
    Image.new("RGB", (10, 10)).save(tmp_path / "calibration-tiny-lamost-20.png")
    assert figure(tmp_path / "calibration-tiny-lamost-20.png").kind == "calibration"


def test_captions_have_a_title_and_a_sentence():
    captions = read_captions(sorted(CAPTIONS.glob("*/*.rst")))
    assert len(captions) >= 12
    assert captions["figures", "scaling"].title == "Scaling with data"
    assert all(caption.text.endswith(".") for caption in captions.values())


def test_timings_are_summed_by_rule_and_missing_numbers_are_none(tmp_path):
    for name, text in {"a": "10.0", "b": "30.0", "c": "-"}.items():
        (tmp_path / f"{name}.tsv").write_text(BENCHMARK.format(text))
    (timing,) = timings(tmp_path, {"rule": r".*/[abc]\.tsv", "other": "x"})
    assert (timing.rule, timing.jobs, timing.seconds, timing.longest) == ("rule", 3, 40.0, 30.0)
    assert duration(40.0) == "40 s"
    assert duration(5400.0) == "90.0 min"
    assert duration(36000.0) == "10.0 h"


def test_versions_that_differ_are_both_told():
    model = Model("run", "llm", 1, 1, 1.0, "", {"torch": "1"})
    assert versions_of([model], {"torch": "2", "numpy": "3"}) == {"numpy": "3", "torch": "2, 1"}
