"""Tables for reading, as Markdown and LaTeX, and tidy CSV."""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from spectralm.files import write_text
from spectralm.labels.vocabulary import PARAMETERS, Label

NOTHING = "–"

Rows = tuple[tuple[str, ...], ...]

#: Heads of the columns of the labels.
LABEL_HEADS = tuple(f"{label.text} ({label.unit})" for label in PARAMETERS)


@dataclass(frozen=True)
class Panel:
    """One table for reading, in plain Unicode."""

    caption: str
    heads: tuple[str, ...]
    align: str
    """One of l, c and r per column."""
    blocks: dict[str, Rows]
    """Rows by the title above them, such as the run; a title may be empty."""


def csv_text(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """CSV; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


def markdown(panels: Iterable[Panel], caption: str, note: str = "") -> str:
    """Markdown tables; ``caption`` and ``note``, before and after each panel's own, are plain."""
    lines = []
    for panel in panels:
        lines += [_sentences(caption, panel.caption, note), ""]
        for title, rows in panel.blocks.items():
            lines += [f"**{title}**", ""] if title else []
            lines += [_markdown_row(panel.heads), "|---" * len(panel.heads) + "|"]
            lines += [*map(_markdown_row, rows), ""]
    return "\n".join(lines)


def latex(panels: Iterable[Panel], caption: str, note: str = "") -> str:
    """LaTeX tables (package booktabs); ``caption`` and ``note`` are plain text."""
    lines = []
    for panel in panels:
        size = r"\small" if len(panel.heads) < 9 else r"\scriptsize"
        lines += [r"\begin{table*}", r"\centering", size]
        lines += [rf"\caption{{{_escape(_sentences(caption, panel.caption, note))}}}"]
        lines += [rf"\begin{{tabular}}{{{panel.align}}}", r"\toprule"]
        lines += [" & ".join(map(_latex_head, panel.heads)) + r" \\"]
        for title, rows in panel.blocks.items():
            lines += [r"\midrule"]
            if title:
                spanned = rf"\multicolumn{{{len(panel.heads)}}}{{c}}{{{_escape(title)}}} \\"
                lines += [spanned, r"\midrule"]
            lines += map(_latex_row, rows)
        lines += [r"\bottomrule", r"\end{tabular}", r"\end{table*}", ""]
    return "\n".join(lines)


def write_tables(
    panels: list[Panel], caption: str, note: str, markdown_out: Path, latex_out: Path
) -> None:
    """Write the tables for reading in both forms."""
    write_text(markdown_out, markdown(panels, caption, note))
    write_text(latex_out, latex(panels, caption, note))


def number(value: float, label: Label, sign: str = "", dex_digits: int = 3) -> str:
    """No digits after the point of a temperature, some of a dex; no minus before a zero.

    ``sign`` is that of a format: "+" shows it always.
    """
    digits = 0 if label.unit == "K" else dex_digits
    return f"{value:{sign}z.{digits}f}".replace("-", "−")


def _sentences(*parts: str) -> str:
    return " ".join(filter(None, parts))


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


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
