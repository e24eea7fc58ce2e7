"""A run's labels against those of Gaia-ESO DR5, for stars that it was not trained on."""

from functools import partial

from spectralm.evaluation.scatter import judged_from_outside

TITLE = "Other surveys"
CAPTION = "Predicted labels against those of a survey that no model was trained on."
draw = partial(judged_from_outside, "gaia_eso")
