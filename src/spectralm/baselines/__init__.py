"""Baselines: models that read the flux of each pixel as a number."""
