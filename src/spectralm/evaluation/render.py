"""Tables for people: one form, rendered as Markdown, LaTeX and HTML."""

import html as _html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from spectralm.labels.vocabulary import PARAMETERS, Label

NOTHING = "–"

Rows = tuple[tuple[str, ...], ...]

#: Heads of the columns of the stellar parameters.
LABEL_HEADS = tuple(f"{label.text} ({label.unit})" for label in PARAMETERS)


@dataclass(frozen=True)
class Panel:
    """One grid of cells, in plain Unicode."""

    caption: str
    heads: tuple[str, ...]
    align: str
    """One of l, c and r per column."""
    blocks: dict[str, Rows]
    """Rows by the title above them, such as the run; a title may be empty."""

    def filled(self) -> dict[str, Rows]:
        """The blocks without the rows that say nothing, and without blocks of such rows alone."""
        blocks = {
            title: tuple(row for row in rows if set(row[1:]) - {NOTHING, "", "0"})
            for title, rows in self.blocks.items()
        }
        return {title: rows for title, rows in blocks.items() if rows}


@dataclass(frozen=True)
class Table:
    """A table for people: a caption of the whole, and panels with their own."""

    caption: str
    panels: Sequence[Panel]
    note: str = ""
    """What a reader must know of all of it, such as that the data are synthetic."""


def markdown(table: Table) -> str:
    """Markdown: the caption and the note, then each panel's caption and blocks."""
    lines = [sentences(table.caption, table.note), ""]
    for panel in table.panels:
        lines += [panel.caption, ""] if panel.caption else []
        for title, rows in panel.filled().items():
            lines += [f"**{title}**", ""] if title else []
            lines += [_markdown_row(panel.heads), "|---" * len(panel.heads) + "|"]
            lines += [*map(_markdown_row, rows), ""]
    return "\n".join(lines)


def latex(table: Table) -> str:
    """LaTeX: a table* per panel (package booktabs), each with the note in its caption."""
    lines: list[str] = []
    for number, panel in enumerate(table.panels):
        caption = sentences("" if number else table.caption, panel.caption, table.note)
        size = r"\small" if len(panel.heads) < 9 else r"\scriptsize"
        lines += [r"\begin{table*}", r"\centering", size]
        lines += [rf"\caption{{{_escape(caption)}}}"]
        lines += [rf"\begin{{tabular}}{{{panel.align}}}", r"\toprule"]
        lines += [" & ".join(map(_latex_head, panel.heads)) + r" \\"]
        for title, rows in panel.filled().items():
            lines += [r"\midrule"]
            if title:
                spanned = rf"\multicolumn{{{len(panel.heads)}}}{{c}}{{{_escape(title)}}} \\"
                lines += [spanned, r"\midrule"]
            lines += map(_latex_row, rows)
        lines += [r"\bottomrule", r"\end{tabular}", r"\end{table*}", ""]
    return "\n".join(lines)


def html(table: Table) -> str:
    """HTML: captions as paragraphs, a table per block.

    Columns of published numbers and of words, and rows of all classes, have a CSS class.
    """
    parts = [f"<p>{_html.escape(table.caption)}</p>"] if table.caption else []
    for panel in table.panels:
        parts += [f"<p>{_html.escape(panel.caption)}</p>"] if panel.caption else []
        for title, rows in panel.filled().items():
            parts += [f"<h5>{_html.escape(title)}</h5>"] if title else []
            parts += [_html_table(panel.heads, rows)]
    return "\n".join(parts)


def _html_table(heads: Sequence[str], rows: Rows) -> str:
    columns = [_column_class(head, cells) for head, *cells in zip(heads, *rows, strict=True)]
    head = _html_row("th", heads, columns)
    body = [_html_row("td", row, columns, "all" if row[0] == "All" else "") for row in rows]
    lines = ['<div class="scroll" tabindex="0"><table>', "<thead>", head, "</thead>", "<tbody>"]
    return "\n".join([*lines, *body, "</tbody>", "</table></div>"])


def _column_class(head: str, cells: Iterable[str]) -> str:
    if head == "paper":
        return "published"
    return "" if any(character.isdigit() for cell in cells for character in cell) else "words"


def _html_row(tag: str, cells: Sequence[str], columns: Sequence[str], of_row: str = "") -> str:
    marked = []
    for cell, of_column in zip(cells, columns, strict=True):
        classes = " ".join(filter(None, (of_column, of_row)))
        attribute = f' class="{classes}"' if classes else ""
        marked.append(f"<{tag}{attribute}>{_html.escape(cell)}</{tag}>")
    return f"<tr>{''.join(marked)}</tr>"


def number(value: float, label: Label, sign: str = "", dex_digits: int = 3) -> str:
    """No digits after the point of a temperature, some of a dex; no minus before a zero.

    ``sign`` is that of a format: "+" shows it always.
    """
    digits = 0 if label.unit == "K" else dex_digits
    return f"{value:{sign}z.{digits}f}".replace("-", "−")


def sentences(*parts: str) -> str:
    """Sentences one after the other; empty ones are left out."""
    return " ".join(filter(None, parts))


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |"


def _latex_row(cells: Iterable[str]) -> str:
    row = " & ".join(map(_escape, cells)) + r" \\"
    # Behind \\ and \midrule an opening bracket would begin an optional argument.
    return f"{{}}{row}" if row.startswith("[") else row


def _latex_head(text: str) -> str:
    for label in PARAMETERS:
        if text.startswith(label.text):
            return label.latex + _escape(text.removeprefix(label.text))
    return _escape(text)


_LATEX = {c: rf"\{c}" for c in "_%&#{}$"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    "–": "--",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "≥": r"$\geq$",
    "μ": r"$\mu$",
    "é": r"\'e",
    "σ": r"$\sigma$",
}


def _escape(text: str) -> str:
    """Plain text as LaTeX."""
    return "".join(_LATEX.get(character, character) for character in text)
