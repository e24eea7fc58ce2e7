"""Tables, each a module of spectralm.evaluation.tables."""

import logging
from pathlib import Path

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.registry import find_table
from spectralm.evaluation.render import latex, markdown
from spectralm.evaluation.tidy import write_rows
from spectralm.files import write_text


def run(*names: str, inputs: Inputs, out: Path) -> None:
    """Write NAME-AT as tidy CSV, and as Markdown and LaTeX, into the folder OUT."""
    for name in names:
        module = find_table(name)
        rows = module.rows(inputs)
        table = module.table(rows, inputs)
        path = out / inputs.file_name(name)
        write_rows(path.with_suffix(".csv"), module.Row, rows)
        write_text(path.with_suffix(".md"), markdown(table))
        write_text(path.with_suffix(".tex"), latex(table))
        logging.info("%s: %d rows", path, len(rows))
