"""Predicted against survey labels of a run, with the residuals below."""

from matplotlib.figure import Figure

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.scatter import predicted_against_survey

TITLE = "Predicted against survey"
CAPTION = "Test spectra of a sample of {scale} spectra from {dataset}."


def draw(inputs: Inputs) -> Figure:
    """A panel per label."""
    run, residuals = inputs.run()
    _, dataset, scale = run.split("-")
    caption = f"{CAPTION.format(dataset=dataset, scale=scale)} {inputs.options.note}".strip()
    return predicted_against_survey(run, residuals, caption, inputs.note(run))
