"""One Markdown page with all tables and figures."""

from pathlib import Path

from spectralm.evaluation.summary import summary
from spectralm.files import write_text


def run(*, tables: list[Path], figures: list[Path], note: str, out: Path) -> None:
    """Write the page, with figures by links relative to it."""
    write_text(out, summary(note, tables, figures, out))
