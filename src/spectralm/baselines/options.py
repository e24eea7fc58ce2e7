"""Options of the models that read pixels."""

from spectralm.options import Options


class BaselineOptions(Options):
    """How baselines are trained; later kinds add a subtree of their own name."""

    seed: int = 0
    """Seed of everything random in training; class_mean and ridge draw nothing."""
