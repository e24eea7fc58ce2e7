"""How the allstar file of GALAH DR4 is read (docs/survey_files.md)."""

from spectralm.labels.vocabulary import ABUNDANCES
from spectralm.surveys.survey import LABELS, Cut, Survey

#: Labels that GALAH does not have: C I apart from C, P, S, Ti II.
LACKS = ("ci_fe", "p_fe", "s_fe", "tiii_fe")
ELEMENTS = tuple(a.name for a in ABUNDANCES if a.name not in LACKS)


def galah(smallest_snr: float) -> Survey:
    """The survey, without stars whose S/N per pixel in CCD 3 is not above ``smallest_snr``.

    The flag of [Fe/H] is wrong in DR4 and is ignored.
    """
    return Survey(
        release="GALAH DR4",
        file="GALAH DR4's galah_dr4_allstar_240705.fits",
        names={
            "survey_id": ("sobject_id",),
            "ra": ("ra",),
            "dec": ("dec",),
            "pmra": ("pmra",),
            "pmdec": ("pmdec",),
            "gaia_source_id": ("gaiadr3_source_id",),
            "gmag": ("phot_g_mean_mag",),
            "snr": ("snr_px_ccd3",),
            "flag_sp": ("flag_sp",),
            "teff": ("teff",),
            "logg": ("logg",),
            "feh": ("fe_h",),
            **{name: (name,) for name in ELEMENTS},
            **{f"{name}_flag": (f"flag_{name}",) for name in ELEMENTS},
        },
        optional=("pmra", "pmdec", "gmag"),
        epoch=2016.0,
        gaia_release="DR3",
        cuts=(
            Cut("S/N too low", "snr", lambda snr: ~(snr > smallest_snr)),
            Cut("flag_sp set", "flag_sp", lambda bits: bits != 0),
        ),
        useful=LABELS,
    )
