"""A synthetic sky, written as the surveys' own files."""
