"""Tables and figures as HTML that needs nothing outside of itself."""

import base64
import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from PIL import Image

#: Pixels across a figure that takes the width of a page.
WIDTH = 1400
QUALITY = 82

#: Surveys that judge from outside: figures of them are named by them.
OUTSIDE = ("galah-", "gaia_eso-")


@dataclass(frozen=True)
class Exhibit:
    """One table or figure."""

    anchor: str
    kind: str
    """Of what sort it is, the first word of its file's name, such as ``residuals``."""
    name: str
    """What it shows of this sort, such as a run; empty where there is one alone."""
    html: Markup
    wide: bool = False
    """Whether it needs the width of a page."""


@dataclass(frozen=True)
class Caption:
    """The words of one sort of tables or figures."""

    title: str
    text: str


def read_captions(paths: Iterable[Path]) -> dict[tuple[str, str], Caption]:
    """Captions by folder (tables or figures) and kind, from files of ``**Title.** Sentences.``"""
    captions = {}
    for path in paths:
        title, text = re.fullmatch(
            r"\*\*(.+?)\.?\*\* (.+)", path.read_text().strip(), re.S
        ).groups()
        captions[path.parent.name, path.stem] = Caption(title, text)
    return captions


def table(path: Path) -> Exhibit:
    """A table in Markdown or CSV."""
    text = path.read_text()
    shown = _markdown(text) if path.suffix == ".md" else _markdown(_of_csv(text))
    return _exhibit("table", path, shown)


def figure(path: Path) -> Exhibit:
    """A picture, embedded: no wider than WIDTH, as WebP."""
    picture = Image.open(path).convert("RGB")
    wide = picture.width > WIDTH
    if wide:
        height = round(picture.height * WIDTH / picture.width)
        picture = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    picture.save(packed, "WEBP", quality=QUALITY)
    data = base64.b64encode(packed.getvalue()).decode()
    shown = Markup('<img src="data:image/webp;base64,{}" width="{}" height="{}" alt="{}">')
    html = shown.format(data, picture.width, picture.height, path.stem)
    return _exhibit("figure", path, html, wide)


def _exhibit(sort: str, path: Path, shown: Markup, wide: bool = False) -> Exhibit:
    kind, name = _kind_and_name(path.stem)
    return Exhibit(f"{sort}-{path.stem}", kind, name, shown, wide)


def _kind_and_name(stem: str) -> tuple[str, str]:
    """Of a name such as residuals-lamost-1200, table2 or apogee.stars.cuts."""
    if "." in stem:
        name, _, kind = stem.rpartition(".")
        return kind, name.replace(".", " ")
    if stem.startswith(OUTSIDE):
        return "external", stem
    kind, name = re.fullmatch(r"([a-z_]+)-?(.*)", stem).groups()
    return kind, f"{kind.capitalize()} {name}" if name.isdigit() else name


def _of_csv(text: str) -> str:
    head, *rows = csv.reader(io.StringIO(text))
    lines = [[name.replace("_", " ") for name in head], ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _markdown(text: str) -> Markup:
    """Markdown as HTML; HTML within it is text."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(text)
    for start, token in enumerate(tokens):
        if token.type == "table_open":
            _mark_cells(_rows_of(tokens[start:]))
    shown = reader.renderer.render(tokens, reader.options, {})
    framed = shown.replace("<table>", '<div class="scroll" tabindex="0"><table>')
    return Markup(framed.replace("</table>", "</table></div>"))


def _rows_of(tokens: list[Token]) -> list[list[tuple[Token, str]]]:
    """The rows of the first table in tokens: each cell's tag, and its text."""
    rows: list[list[tuple[Token, str]]] = []
    for token, after in pairwise(tokens):
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append((token, after.content))
    return rows


def _mark_cells(rows: list[list[tuple[Token, str]]]) -> None:
    """Give columns of published numbers, columns of words and rows of all classes a CSS class."""
    for head, *cells in zip(*rows, strict=True):
        published = head[1] == "paper"
        words = not any(character.isdigit() for _, text in cells for character in text)
        for tag, _ in (head, *cells):
            if published or words:
                tag.attrJoin("class", "published" if published else "words")
    for row in rows:
        if row[0][1] == "All":
            for tag, _ in row:
                tag.attrJoin("class", "all")
