"""Samples of the experiment: balanced classes, nested scales, splits by star."""
