"""The tables: a module each, found by its name."""
