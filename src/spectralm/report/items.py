"""Tables and figures as HTML."""

import base64
import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup
from PIL import Image

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.registry import find_figure, find_table
from spectralm.evaluation.render import Panel, Table, html
from spectralm.evaluation.runs import is_at, run_of
from spectralm.evaluation.tidy import read_rows

#: Pixels across a figure on the page, which opens its file; and the quality of its WebP.
WIDTH = 640
QUALITY = 60


@dataclass(frozen=True)
class Item:
    """One table or figure."""

    anchor: str
    title: str
    """What it is, the same for all of its kind."""
    text: str
    """A sentence on all of its kind; may be empty."""
    name: str
    """What it shows, such as a run; empty where there is one alone."""
    html: Markup
    wide: bool = False
    """Whether it needs the width of a page."""


def table(path: Path, manifests: Sequence[Path], options: EvaluationOptions) -> Item:
    """A tidy table, NAME-AT.csv.

    Args:
        path: of the CSV.
        manifests: of all runs, RUN/manifest.json.
        options: that it was made with.
    """
    name, _, at = path.stem.partition("-")
    module = find_table(name)
    of_table = [file for file in manifests if not at or is_at(run_of(file), at)]
    inputs = Inputs(at=at, options=options, manifests=of_table)
    shown = html(module.table(read_rows(path, module.Row), inputs))
    title = name.replace("table", "Table ") if name.startswith("table") else at
    return Item(f"table-{path.stem}", module.TITLE, "", title, Markup(shown))


def counts(path: Path) -> Item:
    """A CSV of any columns, such as galah.stars.cuts.csv."""
    head, *rows = csv.reader(io.StringIO(path.read_text()))
    heads = tuple(name.replace("_", " ") for name in head)
    panel = Panel("", heads, "l" * len(heads), {"": tuple(map(tuple, rows))})
    name, _, kind = path.stem.rpartition(".")
    title = f"{kind.capitalize()}: {name.replace('.', ' ')}"
    return Item(f"table-{path.stem}", "", "", title, Markup(html(Table("", [panel]))))


def figure(path: Path, page: Path) -> Item:
    """A picture, NAME-AT.png: no wider than WIDTH, as WebP; it links to its PDF from ``page``."""
    name, _, at = path.stem.partition("-")
    module = find_figure(name)
    picture = Image.open(path).convert("RGB")
    wide = picture.width > 1400
    if picture.width > WIDTH:
        height = round(picture.height * WIDTH / picture.width)
        picture = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    picture.save(packed, "WEBP", quality=QUALITY, method=6)
    shown = Markup(
        '<a href="{}"><img src="data:image/webp;base64,{}" width="{}" height="{}" alt="{}"></a>'
    ).format(
        os.path.relpath(path.with_suffix(".pdf"), page.parent),
        base64.b64encode(packed.getvalue()).decode(),
        *picture.size,
        path.stem,
    )
    text = Inputs(at=at).caption(module.CAPTION)
    return Item(f"figure-{path.stem}", module.TITLE, text, path.stem, shown, wide)
