"""Predictions for a user's own spectra: files with wavelength and flux -> labels, errors, flags."""
