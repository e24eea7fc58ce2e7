"""The kinds of baselines: each module here is one, of its name, and has its class as ``MODEL``."""
