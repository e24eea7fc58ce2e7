"""Estimates of the resources that an experiment needs, from its config alone."""
