"""How the catalogue of Gaia-ESO DR5.1 is read (docs/survey_files.md): A(X) becomes [X/Fe]."""

from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.errors import InputError
from spectralm.surveys.survey import LABELS, Survey


class Sun(StrEnum):
    """Whose abundances of the Sun are subtracted."""

    GREVESSE_2007 = "grevesse2007"
    SURVEY = "survey"


#: By our label, the survey's species.
SPECIES = {
    **{"c_fe": "C_C2", "ci_fe": "C1", "n_fe": "N_CN", "o_fe": "O1", "na_fe": "NA1"},
    **{"mg_fe": "MG1", "al_fe": "AL1", "si_fe": "SI1", "s_fe": "S1", "ca_fe": "CA1"},
    **{"ti_fe": "TI1", "tiii_fe": "TI2", "v_fe": "V1", "cr_fe": "CR1", "mn_fe": "MN1"},
    **{"co_fe": "CO1", "ni_fe": "NI1", "cu_fe": "CU1", "ce_fe": "CE2"},
}
#: A(X) of the Sun (Grevesse, Asplund & Sauval 2007, Space Sci. Rev. 130, 105).
GREVESSE_2007 = {
    **{"c_fe": 8.39, "ci_fe": 8.39, "n_fe": 7.78, "o_fe": 8.66, "na_fe": 6.17, "mg_fe": 7.53},
    **{"al_fe": 6.37, "si_fe": 7.51, "s_fe": 7.14, "ca_fe": 6.31, "ti_fe": 4.90, "tiii_fe": 4.90},
    **{"v_fe": 4.00, "cr_fe": 5.64, "mn_fe": 5.39, "co_fe": 4.92, "ni_fe": 6.23, "cu_fe": 4.21},
    **{"ce_fe": 1.70},
}


def gaia_eso(sun: Sun) -> Survey:
    """The survey, with abundances relative to the Sun of Grevesse et al. or its own."""
    limits = {f"{label}_flag": _limit(species) for label, species in SPECIES.items()}
    return Survey(
        release="Gaia-ESO",
        file="Gaia-ESO DR5.1's catalogue of the ESO archive (GES_DR5_1_V1)",
        names={
            "survey_id": ("object", "cname"),
            "ra": ("ra",),
            "dec": ("declination", "dec"),
            "snr": ("snr",),
            "teff": ("teff",),
            "logg": ("logg",),
            "feh": ("feh",),
            **{label: (species.lower(),) for label, species in SPECIES.items()},
            **limits,
        },
        optional=tuple(limits),
        epoch=2000.0,
        gaia_release=None,
        cuts=(),
        useful=LABELS,
        convert=partial(_relative_to_iron, sun),
    )


def _limit(species: str) -> tuple[str, ...]:
    """Names of the upper-limit flag, which only some editions of the catalogue have."""
    return tuple(f"{prefix}_{species}".lower() for prefix in ("upper_combined", "upper", "lim"))


def _relative_to_iron(sun: Sun, path: Path, table: pa.Table) -> pa.Table:
    """A(X) -> [X/Fe] = A(X) - A(X) of the Sun - [Fe/H].

    [C/Fe] is from the molecule C2 or, if that is missing, from the atom.
    """
    solar = GREVESSE_2007 if sun is Sun.GREVESSE_2007 else _survey_sun(path, table)
    labels = {
        label: pc.subtract(
            pc.subtract(table[label], pa.scalar(solar[label], pa.float64())), table["feh"]
        )
        for label in SPECIES
    }
    labels["c_fe"] = pc.coalesce(labels["c_fe"], labels["ci_fe"])
    for label, values in labels.items():
        table = table.set_column(table.column_names.index(label), label, values)
    return table


def _survey_sun(path: Path, table: pa.Table) -> Mapping[str, float | None]:
    """The survey's A(X) of the Sun, from the solar spectrum of the highest S/N that has it."""
    rows = table.filter(pc.match_substring_regex(table["survey_id"], r"(?i)^sun(_|$)"))
    if not rows.num_rows:
        raise InputError(
            path,
            "OBJECT",
            "no row is called Sun or Sun_...",
            "set surveys.gaia_eso.sun to grevesse2007 or give the edition with the benchmark stars",
        )
    best = rows.take(pa.array(np.argsort(-pc.fill_null(rows["snr"], -1).to_numpy(), kind="stable")))
    return {label: next(iter(best[label].drop_null().to_pylist()), None) for label in SPECIES}
