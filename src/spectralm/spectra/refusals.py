"""Reasons to refuse a spectrum; the manual's table is made from :data:`REASONS`."""

from spectralm.errors import InputError

REASONS = {
    "no_path": "the manifest names no file for this spectrum",
    "missing_file": "the file is not on disk",
    "unreadable_file": "the file cannot be opened or read",
    "empty_file": "the file is empty",
    "damaged_gzip": "the gzip stream is truncated or fails its checksum",
    "not_fits": "the file does not begin like FITS",
    "damaged_fits": "the file begins like FITS but cannot be read to its end",
    "missing_hdu": "the primary HDU is empty and there is no table after it",
    "mrs_file": "a LAMOST medium-resolution (MRS) file",
    "sdss_file": "an SDSS file",
    "unknown_layout": "a FITS file without one of LAMOST's low-resolution layouts",
    "bad_wavelength": "the wavelengths are not finite, positive and ascending",
    "obsid_mismatch": "the file's OBSID is not the manifest's",
    "no_redshift": "rest_frame is set and the catalogue has no redshift",
    "all_masked": "all pixels are masked",
    "too_much_masked": "more of the grid is masked or not covered than largest_masked_fraction",
    "no_positive_flux": "no good pixel has positive flux, so the flux cannot be normalised",
}


class SpectrumRefusedError(InputError):
    """A spectrum cannot be used; ``reason`` is a key of :data:`REASONS`."""

    def __init__(self, reason: str, source: object, field: str, found: str, remedy: str):
        super().__init__(source, field, found, remedy)
        assert reason in REASONS, reason
        self.reason = reason
