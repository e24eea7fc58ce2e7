"""The config of an experiment: the options of all wings in one tree, checked before anything runs.

``config/config.yaml`` is the commented manual. ``python -m spectralm.config`` prints the JSON
schema that is kept in ``workflow/schemas/``.
"""

from spectralm.config.loading import check, load, made_here
from spectralm.config.options import Config, Grid, Run, Surveys

__all__ = ["Config", "Grid", "Run", "Surveys", "check", "load", "made_here"]
