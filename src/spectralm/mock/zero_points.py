"""Mean differences of each survey's labels from the true labels, survey - truth.

Teff in K, all other labels in dex; labels that are not listed have 0. The orders of magnitude are
those of published comparisons (GALAH DR3 and DR4 with APOGEE, Gaia-ESO DR5), not the values.
"""

#: By LAMOST's class; "feh" of M stars is the catalogue's m_h, and the last column is the pipeline's
#: radial velocity, in km/s.
LAMOST = {
    "A": {"teff": 60.0, "logg": -0.03, "feh": -0.10, "velocity": -5.0},
    "F": {"teff": 25.0, "logg": -0.02, "feh": -0.04, "velocity": -5.0},
    "G": {"teff": 0.0, "logg": 0.01, "feh": 0.00, "velocity": -5.0},
    "K": {"teff": -30.0, "logg": 0.05, "feh": -0.02, "velocity": -5.0},
    "M": {"teff": 55.0, "logg": -0.04, "feh": -0.15, "velocity": -2.0},
}

#: By label: Teff, logg, [Fe/H], and [X/Fe] by the survey's own species.
APOGEE = {
    **{"TEFF": 0.0, "LOGG": 0.0, "FE_H": 0.0, "C": 0.0, "CI": 0.02, "N": 0.0, "O": 0.01},
    **{"NA": -0.02, "MG": 0.02, "AL": 0.03, "SI": 0.0, "P": 0.04, "S": 0.02, "K": 0.0, "CA": -0.01},
    **{"TI": -0.10, "TIII": 0.05, "V": -0.05, "CR": 0.0, "MN": 0.01, "CO": 0.03, "NI": 0.01},
    **{"CU": 0.02, "CE": -0.08},
}
GALAH = {
    **{"teff": 15.0, "logg": 0.02, "fe_h": 0.03, "c": 0.06, "n": 0.08, "o": 0.07, "na": 0.03},
    **{"mg": -0.02, "al": -0.03, "si": 0.03, "k": 0.05, "ca": 0.05, "ti": 0.04, "v": 0.06},
    **{"cr": -0.03, "mn": -0.04, "co": -0.05, "ni": 0.02, "cu": -0.04, "ce": 0.06},
}
GAIA_ESO = {
    **{
        "TEFF": -20.0,
        "LOGG": 0.03,
        "FEH": -0.04,
        "C1": 0.03,
        "N_CN": 0.05,
        "O1": 0.08,
        "NA1": 0.04,
    },
    **{"MG1": 0.03, "AL1": 0.02, "SI1": 0.01, "S1": 0.02, "CA1": -0.02, "TI1": 0.01, "TI2": 0.04},
    **{
        "V1": 0.03,
        "CR1": -0.01,
        "MN1": -0.06,
        "CO1": 0.02,
        "NI1": -0.01,
        "CU1": -0.05,
        "CE2": 0.04,
    },
}
