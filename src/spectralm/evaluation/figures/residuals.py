"""Predicted against survey labels of a run, with the residuals below."""

from dataclasses import replace

from matplotlib.figure import Figure

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.scatter import predicted_against_survey

TITLE = "Predicted against survey"
CAPTION = "Test spectra of a sample of {scale} spectra from {dataset}."


def draw(inputs: Inputs) -> Figure:
    """A panel per label."""
    run, residuals = inputs.run()
    caption = replace(inputs, at=run).figure_caption(CAPTION)
    return predicted_against_survey(run, residuals, caption, inputs.note(run))
