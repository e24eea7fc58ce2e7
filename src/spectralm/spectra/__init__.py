"""FITS files -> shards of flux on the common grid, with quality flags."""
