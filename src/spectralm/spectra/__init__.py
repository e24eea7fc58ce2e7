"""A FITS file -> flux on the common grid, with quality flags; shards."""
