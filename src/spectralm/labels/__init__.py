"""Spectral classes, labels and their units, and codes of missing values."""
