"""Why a spectrum is refused; the manual's table is made from :data:`REASONS`."""

from spectralm.errors import InputError

REASONS = {
    "no_path": "the manifest names no file for this spectrum",
    "missing_file": "the file is not on disk",
    "unreadable_file": "the file cannot be opened or read",
    "empty_file": "the file has no bytes",
    "damaged_gzip": "the gzip stream is cut short or fails its checksum",
    "not_fits": "the file does not begin like FITS",
    "damaged_fits": "the file begins like FITS but cannot be read to its end",
    "missing_hdu": "the primary HDU is empty and there is no table after it",
    "mrs_file": "a LAMOST medium-resolution (MRS) file",
    "sdss_file": "an SDSS file",
    "unknown_layout": "FITS, but in none of LAMOST's low-resolution layouts",
    "bad_wavelength": "the wavelengths are not finite, positive and ascending",
    "obsid_mismatch": "the file's OBSID is not the manifest's",
    "no_redshift": "rest_frame is asked for and the catalogue has no redshift",
    "all_masked": "the mask leaves no pixel",
    "too_much_masked": "more of the grid is masked or not covered than is allowed",
    "no_positive_flux": "no good pixel has positive flux, so there is nothing to divide by",
}


class SpectrumRefusedError(InputError):
    """A spectrum cannot be used; ``reason`` is a key of :data:`REASONS`."""

    def __init__(self, reason: str, source: object, field: str, found: str, remedy: str):
        super().__init__(source, field, found, remedy)
        assert reason in REASONS, reason
        self.reason = reason
