"""How the allStar file of APOGEE DR16 is read (docs/survey_files.md)."""

from spectralm.labels.vocabulary import ABUNDANCES
from spectralm.surveys.survey import ELEMENTS, Cut, Survey

#: Bit of EXTRATARG: the star has a better entry elsewhere in the file.
DUPLICATE = 1 << 4

APOGEE = Survey(
    release="APOGEE DR16",
    file="APOGEE DR16's allStar-r12-l33.fits",
    names={
        "survey_id": ("apogee_id",),
        "ra": ("ra",),
        "dec": ("dec",),
        "pmra": ("gaia_pmra",),
        "pmdec": ("gaia_pmdec",),
        "gaia_source_id": ("gaia_source_id",),
        "gmag": ("gaia_phot_g_mean_mag",),
        "snr": ("snr",),
        "aspcapflag": ("aspcapflag",),
        "extratarg": ("extratarg",),
        "teff": ("teff",),
        "logg": ("logg",),
        "feh": ("fe_h",),
        "feh_flag": ("fe_h_flag",),
        **{a.name: (a.name,) for a in ABUNDANCES},
        **{f"{a.name}_flag": (f"{a.name}_flag",) for a in ABUNDANCES},
    },
    optional=("pmra", "pmdec", "gmag"),
    epoch=2000.0,  # 2MASS
    gaia_release="DR2",
    cuts=(
        Cut("duplicate by EXTRATARG", "extratarg", lambda bits: bits & DUPLICATE != 0),
        Cut("ASPCAPFLAG set", "aspcapflag", lambda bits: bits != 0),
    ),
    useful=ELEMENTS,
)
