"""Header cards of LAMOST's spectra in three layouts, as the survey's pipeline writes them."""

from collections.abc import Iterable, Mapping

CARD, BLOCK = 80, 2880

#: Layouts: C, a table COADD (DR9 and later); I, an image (DR5 to DR8); 1, the image of DR1.
#: Rows: layouts that have the card, its key, its value, its comment.
CARDS = (
    ("CI1", "SIMPLE", "T", "Primary Header created by MWRFITS v1.11b"),
    ("C", "BITPIX", "16", ""),
    ("I1", "BITPIX", "-32", ""),
    ("C", "NAXIS", "0", "Number of array dimensions"),
    ("I1", "NAXIS", "2", "Number of array dimensions"),
    ("CI1", "NAXIS1", "{pixels}", ""),
    ("CI1", "NAXIS2", "5", ""),
    ("CI1", "EXTEND", "T", ""),
    ("CI1", "COMMENT", "--------FILE INFORMATION", ""),
    ("CI1", "FILENAME", "'{filename}'", ""),
    ("CI", "OBSID", "{obsid}", "Unique number ID of this spectrum"),
    ("CI1", "AUTHOR", "'LAMOST Pipeline'", "Who compiled the information"),
    ("C", "DATA_V", "'LAMOST DR11'", "Data release version"),
    ("I", "DATA_V", "'LAMOST DR8'", "Data release version"),
    ("I", "EXTEN0", "'Flux, Inverse, Wavelength, Andmask, Ormask'", ""),
    ("1", "EXTEN0", "'Flux Inverse Subcontinuum Andmask Ormask'", ""),
    ("C", "N_EXTEN", "2", "The amount of extension"),
    ("I1", "N_EXTEN", "1", "The extension number"),
    ("C", "NORM", "{with_norm_flux}", "1 if there exists a normalized spectrum"),
    ("I", "EXTNAME", "'Flux    '", "The extension name"),
    ("CI1", "ORIGIN", "'NAOC-LAMOST'", "Organization responsible for creating this file"),
    ("CI1", "DATE", "'{written}'", "Time when this HDU is created (UTC)"),
    ("CI1", "COMMENT", "--------TELESCOPE PARAMETERS", ""),
    ("CI1", "TELESCOP", "'LAMOST  '", "GuoShouJing Telescope"),
    ("CI1", "LONGITUD", "117.58", "[deg] Longitude of site"),
    ("CI1", "LATITUDE", "40.39", "[deg] Latitude of site"),
    ("CI1", "FOCUS", "19964", "[mm] Telescope focus"),
    ("CI1", "CAMPRO", "'NEWCAM  '", "Camera program name"),
    ("CI1", "CAMVER", "'v2.0    '", "Camera program version"),
    ("CI1", "COMMENT", "--------OBSERVATION PARAMETERS", ""),
    ("CI1", "DATE-OBS", "'{middle}'", "The observation median UTC"),
    ("CI1", "DATE-BEG", "'{begin}'", "The observation start local time"),
    ("CI1", "DATE-END", "'{end}'", "The observation end local time"),
    ("CI1", "LMJD", "{lmjd}", "Local Modified Julian Day"),
    ("CI1", "MJD", "{mjd}", "Modified Julian Day"),
    ("CI1", "LMJMLIST", "'{minutes}'", "Local Modified Julian Minute list"),
    ("CI1", "PLANID", "'{planid:8}'", "Plan ID in use"),
    ("CI1", "RA", "{ra:.6f}", "[deg] Right ascension of object"),
    ("CI1", "DEC", "{dec:.6f}", "[deg] Declination of object"),
    ("CI", "RA_OBS", "{ra_obs:.6f}", "[deg] Right ascension during observing"),
    ("CI", "DEC_OBS", "{dec_obs:.6f}", "[deg] Declination during observing"),
    ("CI", "OFFSET", "{offset}", "Whether there's a offset during observing"),
    ("CI", "OFFSET_V", "{offsets_v:.2f}", "Offset value in arcsecond"),
    ("CI1", "DESIG", "'LAMOST {designation}'", "Designation of LAMOST target"),
    ("CI1", "FIBERID", "{fiberid}", "Fiber ID of Object"),
    ("CI1", "CELL_ID", "'{cell:8}'", "Fiber Unit ID on the focal plane"),
    ("CI1", "X_VALUE", "'{x:.10f}'", "[mm] X coordinate of object on the focal plane"),
    ("CI1", "Y_VALUE", "'{y:.10f}'", "[mm] Y coordinate of object on the focal plane"),
    ("CI1", "OBJNAME", "'{uid}'", "Name of object"),
    ("CI1", "OBJTYPE", "'Star    '", "Object type from input catalog"),
    ("CI", "TSOURCE", "'{target_source:8}'", "Name of input catalog"),
    ("CI", "TCOMMENT", "'-       '", "Target information"),
    ("CI", "TFROM", "'{target_list:8}'", "Target catalog"),
    ("1", "OBJSOURC", "'{target_source:8}'", "Name of input catalog"),
    ("1", "T_INFO", "'NULL    '", "Target information"),
    ("1", "T_FROM", "'NULL    '", "Target catalog"),
    ("C", "FIB_TYPE", "'Obj     '", "Fiber type of object"),
    ("I1", "FIBERTYP", "'Obj     '", "Fiber type of object"),
    ("C", "FIB_MASK", "{fibermask}", "Bitmask of warning values, 0 means good"),
    ("I", "FIBERMAS", "{fibermask}", "Bitmask of warning values, 0 means all is well"),
    ("C", "MAG_PS_G", "{mag_ps_g:.2f}", "[mag] Magnitude of object"),
    ("C", "MAG_PS_R", "{mag_ps_r:.2f}", "[mag] Magnitude of object"),
    ("C", "MAG_PS_I", "{mag_ps_i:.2f}", "[mag] Magnitude of object"),
    ("C", "MAG_PS_Z", "{mag_ps_z:.2f}", "[mag] Magnitude of object"),
    ("C", "MAG_PS_Y", "{mag_ps_y:.2f}", "[mag] Magnitude of object"),
    ("I1", "MAGTYPE", "'gri     '", "Magnitude type of object"),
    ("I1", "MAG1", "{mag_ps_g:.2f}", "[mag] Mag1 of object"),
    ("I1", "MAG2", "{mag_ps_r:.2f}", "[mag] Mag2 of object"),
    ("I1", "MAG3", "{mag_ps_i:.2f}", "[mag] Mag3 of object"),
    ("I1", "MAG4", "99.00", "[mag] Mag4 of object"),
    ("I1", "MAG5", "99.00", "[mag] Mag5 of object"),
    ("I1", "MAG6", "99.00", "[mag] Mag6 of object"),
    ("I1", "MAG7", "99.00", "[mag] Mag7 of object"),
    ("CI1", "OBS_TYPE", "'OBJ     '", "The type of target (OBJ, FLAT, ARC or BIAS)"),
    ("CI1", "OBSCOMM", "'Science '", "Science or Test"),
    ("CI1", "RADECSYS", "'FK5     '", "Equatorial coordinate system"),
    ("CI1", "EQUINOX", "2000.00", "Equinox in years"),
    ("CI1", "LAMPLIST", "'lamphgcdne.dat'", "Arc lamp emission line list"),
    ("CI1", "SKYLIST", "'skylines.dat'", "Sky emission line list"),
    ("CI1", "NEXP", "3", "Number of valid exposures"),
    ("CI1", "NEXP_B", "3", "Number of valid blue exposures"),
    ("CI1", "NEXP_R", "3", "Number of valid red exposures"),
    ("CI1", "EXPT_B", "{exposure:.2f}", "[s] Blue exposure duration time"),
    ("CI1", "EXPT_R", "{exposure:.2f}", "[s] Red exposure duration time"),
    ("CI1", "EXPTIME", "{exposure:.2f}", "[s] Minimum of exposure time for all cameras"),
    ("CI1", "BESTEXP", "{minute}", "LMJM of the best exposure"),
    ("CI1", "SCAMEAN", "{scatter:.2f}", "[ADU] Mean level of scatter light"),
    ("CI1", "COMMENT", "--------SPECTROGRAPH PARAMETERS", ""),
    ("CI1", "SPID", "{spid}", "Spectrograph ID"),
    ("CI1", "SPRA", "{spectrograph_ra:.7f}", "[deg] Average RA of this spectrograph"),
    ("CI1", "SPDEC", "{spectrograph_dec:.7f}", "[deg] Average DEC of this spectrograph"),
    ("CI1", "SLIT_MOD", "'x2/3    '", "Slit mode, x1, x2/3 or x1/2"),
    ("CI1", "COMMENT", "--------WEATHER CONDITION", ""),
    ("CI1", "TEMPCCDB", "-274.00", "[deg] The temperature of blue CCD"),
    ("CI1", "TEMPCCDR", "-274.00", "[deg] The temperature of red CCD"),
    ("CI1", "SEEING", "{seeing:.2f}", "[arcsec] Seeing during exposure"),
    ("CI1", "MOONPHA", "{moon:.2f}", "[day] Moon phase for a 29.53 days period"),
    ("CI1", "TEMP_AIR", "{temperature:.2f}", "[deg] Temperature outside dome"),
    ("CI", "TEMP_FP", "{temperature:.2f}", "[degree celsius] Temprature of the focalplane"),
    ("CI1", "DEWPOINT", "{dew_point:.2f}", "[deg]"),
    ("CI1", "DUST", "'        '", "Reservation"),
    ("CI1", "HUMIDITY", "{humidity:.2f}", ""),
    ("CI1", "WINDD", "{wind_direction:.2f}", "[deg] Wind direction"),
    ("CI1", "WINDS", "{wind_speed:.2f}", "[m/s] Wind speed"),
    ("CI1", "SKYLEVEL", "'        '", "Reservation"),
    ("CI1", "COMMENT", "--------DATA REDUCTION PARAMETERS", ""),
    ("CI1", "EXTRACT", "'aperture'", "Extraction method"),
    ("CI1", "SFLATTEN", "T", "Super flat has been applied"),
    ("CI1", "PCASKYSB", "T", "PCA sky-subtraction has been applied"),
    ("CI1", "NSKIES", "{skies}", "Sky fiber number"),
    ("CI1", "SKYCHI2", "{sky_chi2:.1f}", "Mean chi^2 of sky-subtraction"),
    ("CI1", "SCHI2MIN", "{sky_chi2_min:.1f}", "Minimum chi^2 of sky-subtraction"),
    ("CI1", "SCHI2MAX", "{sky_chi2_max:.1f}", "Maximum chi^2 of sky-subtraction"),
    ("CI1", "NSTD", "{standards_number}", "Number of (good) standard stars"),
    ("CI1", "FSTAR", "'{standards}'", "FiberID of flux standard stars"),
    ("CI1", "FCBY", "'auto    '", "Standard stars origin (auto, manual or catalog)"),
    ("CI1", "HELIO", "T", "Heliocentric correction"),
    ("CI1", "HELIO_RV", "{heliocentric:.5f}", "[km/s] Heliocentric correction"),
    ("CI1", "VACUUM", "T", "Wavelengths are in vacuum"),
    ("CI1", "NWORDER", "2", "Number of linear-log10 coefficients"),
    ("CI1", "WFITTYPE", "'LOG-LINEAR'", "Linear-log10 dispersion"),
    ("CI1", "COEFF0", "3.5682", "Central wavelength (log10) of first pixel"),
    ("CI1", "COEFF1", "0.0001", "Log10 dispersion per pixel"),
    ("CI1", "WAT0_001", "'system=linear'", ""),
    ("CI1", "WAT1_001", "'wtype=linear label=Wavelength units=Angstroms'", ""),
    ("CI1", "CRVAL1", "3.5682", "Central wavelength (log10) of first pixel"),
    ("CI1", "CD1_1", "0.0001", "Log10 dispersion per pixel"),
    ("CI1", "CRPIX1", "1", "Starting pixel (1-indexed)"),
    ("CI1", "CTYPE1", "'LINEAR  '", ""),
    ("CI1", "DC-FLAG", "1", "Log-linear flag"),
    ("CI1", "COMMENT", "--------SPECTRA ANALYSIS RESULTS", ""),
    ("C", "VERSPIPE", "'v2.9.8  '", "Version of Pipeline"),
    ("I", "VERSPIPE", "'v2.9.7  '", "Version of Pipeline"),
    ("1", "VERSPIPE", "'v2.6.4  '", "Version of Pipeline"),
    ("CI1", "CLASS", "'STAR    '", "Class of object"),
    ("CI1", "SUBCLASS", "'{subclass:8}'", "Subclass of object"),
    ("CI1", "Z", "{z:.8f}", "Redshift of object"),
    ("CI1", "Z_ERR", "{z_err:.8f}", "Redshift error of object"),
    ("CI", "ZFLAG", "'LASP    '", "Which method computes the redshift"),
    *(("CI", f"SNR{b.upper()}", f"{{snr{b}:.2f}}", f"SNR of {b} filter") for b in "ugriz"),
    *(("1", f"SN_{b.upper()}", f"{{snr{b}:.2f}}", f"SNR of {b} filter") for b in "ugriz"),
)

TABLE_COLUMNS = ("FLUX", "IVAR", "WAVELENGTH", "ANDMASK", "ORMASK", "NORMALIZATION")


def primary_header(layout: str, facts: Mapping[str, object]) -> bytes:
    """The primary header of a spectrum.

    Args:
        layout: C, I or 1.
        facts: Values for the names in the braces of CARDS.
    """
    return _header(
        _card(key, value.format_map(facts), comment)
        for layouts, key, value, comment in CARDS
        if layout in layouts
    )


def coadd_header(pixels: int) -> bytes:
    """The header of the one-row table COADD."""
    rows = [
        ("XTENSION", "'BINTABLE'", "Binary table written by MWRFITS v1.11b"),
        ("BITPIX", "8", "Required value"),
        ("NAXIS", "2", "Required value"),
        ("NAXIS1", str(4 * pixels * len(TABLE_COLUMNS)), "Number of bytes per row"),
        ("NAXIS2", "1", "Number of rows"),
        ("PCOUNT", "0", "Normally 0 (no varying arrays)"),
        ("GCOUNT", "1", "Required value"),
        ("TFIELDS", str(len(TABLE_COLUMNS)), "Number of columns in table"),
        ("COMMENT", "", ""),
        ("COMMENT", " *** End of mandatory fields ***", ""),
        ("COMMENT", "", ""),
        ("EXTNAME", "'COADD   '", "The extension name"),
        ("COMMENT", "", ""),
        ("COMMENT", " *** Column names ***", ""),
        ("COMMENT", "", ""),
        *((f"TTYPE{i}", f"'{name:8}'", "") for i, name in enumerate(TABLE_COLUMNS, 1)),
        ("COMMENT", "", ""),
        ("COMMENT", " *** Column formats ***", ""),
        ("COMMENT", "", ""),
        *((f"TFORM{i}", f"'{pixels}E   '", "") for i in range(1, len(TABLE_COLUMNS) + 1)),
    ]
    return _header(_card(*row) for row in rows)


def _card(key: str, value: str, comment: str) -> str:
    if key == "COMMENT":
        return f"{key:8}{value}".ljust(CARD)
    value = f"{value:<20}" if value.startswith("'") else f"{value:>20}"
    return f"{key:8}= {value} /{' ' if comment else ''}{comment}".ljust(CARD)[:CARD]


def _header(cards: Iterable[str]) -> bytes:
    text = "".join(cards) + "END".ljust(CARD)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")
