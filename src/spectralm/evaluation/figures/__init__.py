"""The figures: a module each, found by its name."""
