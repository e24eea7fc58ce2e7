"""The kinds of baselines: one module per kind, with the kind's name and its class as ``MODEL``."""
