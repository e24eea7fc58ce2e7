"""One table as Markdown, LaTeX and HTML."""

import xml.etree.ElementTree as ET

import pytest

from spectralm.evaluation.render import NOTHING, Panel, Table, html, latex, markdown

HEADS = ("Class", "N", "Teff (K)", "paper", "Read from")
TABLE = Table(
    "Ours <script>alert(1)</script> & theirs.",
    [
        Panel(
            "First.",
            HEADS,
            "lrccl",
            {
                "a <b>run</b>": (
                    ("A", "2", "20 ± 10", "51 ± 297", "lines"),
                    ("F", "0", NOTHING, NOTHING, NOTHING),
                    ("All", "2", "20 ± 10", NOTHING, "<script>"),
                ),
                "an empty run": (("A", "0", NOTHING, "", NOTHING),),
            },
        ),
        Panel("Second.", ("Run", "N"), "lr", {"": (("m-x-1", "3"),)}),
    ],
    "All synthetic.",
)


def cells(text):
    """Tag, class and text of each cell, by row."""
    page = ET.fromstring(f"<div>{text}</div>")
    return [[(c.tag, c.get("class"), c.text) for c in row] for row in page.iter("tr")]


def test_html_is_escaped():
    text = html(TABLE)
    assert "<script>" not in text
    assert "<b>" not in text
    assert "<p>Ours &lt;script&gt;alert(1)&lt;/script&gt; &amp; theirs.</p>" in text
    assert "<h5>a &lt;b&gt;run&lt;/b&gt;</h5>" in text
    page = ET.fromstring(f"<div>{text}</div>")
    assert {element.tag for element in page.iter()} == {
        *("div", "p", "h5", "table", "thead", "tbody", "tr", "th", "td")
    }


def test_html_marks_published_numbers_words_and_all_classes():
    head, a, everything, *_ = cells(html(TABLE))
    assert head == [
        ("th", "words", "Class"),
        ("th", None, "N"),
        ("th", None, "Teff (K)"),
        ("th", "published", "paper"),
        ("th", "words", "Read from"),
    ]
    assert [of_cell for _, of_cell, _ in a] == ["words", None, None, "published", "words"]
    assert everything == [
        ("td", "words all", "All"),
        ("td", "all", "2"),
        ("td", "all", "20 ± 10"),
        ("td", "published all", NOTHING),
        ("td", "words all", "<script>"),
    ]


@pytest.mark.parametrize("render", [markdown, latex, html])
def test_rows_and_blocks_without_anything_are_left_out(render):
    text = render(TABLE)
    assert "an empty run" not in text
    assert "51" in text
    assert "m-x-1" in text
    rows = {markdown: "\n| {} |", latex: "\n{} & ", html: ">{}</td>"}[render]
    shown = [name for name in ("A", "F", "All") if rows.format(name) in text]
    assert shown == ["A", "All"]


def test_html_has_a_table_per_block_that_is_left():
    page = ET.fromstring(f"<div>{html(TABLE)}</div>")
    assert len(page.findall(".//table")) == 2
    assert [p.text for p in page.findall("p")][1:] == ["First.", "Second."]
    assert len(cells(html(TABLE))) == 3 + 2


def test_the_caption_stands_once_and_the_note_in_each_float():
    text = markdown(TABLE)
    assert text.startswith("Ours <script>alert(1)</script> & theirs. All synthetic.\n\nFirst.\n")
    assert text.count("theirs.") == text.count("All synthetic.") == 1
    text = latex(TABLE)
    assert text.count("theirs.") == 1
    assert text.index("theirs.") < text.index(r"\end{table*}")
    assert text.count("All synthetic.}") == text.count(r"\begin{table*}") == 2


def test_a_bar_in_a_cell_does_not_end_it_in_markdown():
    table = Table("", [Panel("", ("Model", "N"), "lr", {"": (("a|b", "1"),)})])
    assert "| a/b | 1 |" in markdown(table)
