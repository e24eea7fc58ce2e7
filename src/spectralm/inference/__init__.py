"""Labels of spectra of one's own: any file with wavelength and flux -> labels, errors, flags."""
