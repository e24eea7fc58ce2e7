"""A synthetic sky, written in the file formats of the surveys."""
