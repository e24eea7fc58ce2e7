"""Which spectra are in the experiment: balanced classes, nested scales, split by star."""
