"""A survey's own files -> one canonical table of stars, with every cut counted."""
