"""One Markdown page with the tables and figures of an experiment."""

import os
from collections.abc import Sequence
from pathlib import Path


def summary(note: str, tables: Sequence[Path], figures: Sequence[Path], out: Path) -> str:
    """The page that will lie at ``out``: tables in full, figures by relative links.

    Args:
        note: what a reader must know first, such as where the spectra come from.
        tables: Markdown.
        figures: images that Markdown can show.
    """
    parts = ["# Results", note, "## Tables"]
    for table in tables:
        parts += [f"### {table.stem}", table.read_text().strip()]
    parts.append("## Figures")
    for figure in figures:
        parts += [f"### {figure.stem}", f"![{figure.stem}]({os.path.relpath(figure, out.parent)})"]
    return "\n\n".join(part for part in parts if part) + "\n"
