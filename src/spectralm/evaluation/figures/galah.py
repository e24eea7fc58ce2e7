"""A run's labels against those of GALAH DR4, for stars that it was not trained on."""

from functools import partial

from spectralm.evaluation.scatter import external_comparison

TITLE = "Other surveys"
CAPTION = "Predicted labels against those of a survey that no model was trained on."
draw = partial(external_comparison, "galah")
