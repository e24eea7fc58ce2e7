"""Models that read the same pixels as numbers."""
