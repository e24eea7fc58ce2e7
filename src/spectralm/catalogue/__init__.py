"""The catalogue of a run: all its predictions, in three formats from one column table."""
