"""Flux <-> text, labels <-> answers, and the grammar of an answer."""
