"""Figures, each a module of spectralm.evaluation.figures."""

from pathlib import Path

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.registry import find_figure
from spectralm.evaluation.style import save, style


def run(*names: str, inputs: Inputs, out: Path) -> None:
    """Draw NAME-AT as PDF and PNG into the folder OUT."""
    with style():
        for name in names:
            path = out / inputs.file_name(name)
            figure = find_figure(name).draw(inputs)
            save(figure, path.with_suffix(".pdf"), path.with_suffix(".png"))
