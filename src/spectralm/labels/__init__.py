"""The vocabulary: spectral classes, labels and their units, sentinels, tables of columns."""
