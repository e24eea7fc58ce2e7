"""What limits the residuals of a survey's labels: Cramer-Rao bounds, and the labels' errors."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from spectralm.labels.vocabulary import LABELS, PARAMETERS, Label
from spectralm.mock import apogee, emulator
from spectralm.mock.emulator import Array
from spectralm.mock.plan import Plan
from spectralm.schemas import floor_columns, schema


def floor_table(
    plan: Plan, obsid: np.ndarray, bound: Array, label_error: Mapping[str, Array]
) -> pa.Table:
    """What limits the residuals of one survey: a row per spectrum of a star that has its labels.

    The columns are :func:`~spectralm.schemas.floor_columns`. Spectra whose file is damaged are left
    out. LAMOST's [M/H] of M stars is drawn from [Fe/H], so [Fe/H] is its true value.

    Args:
        plan: The sky.
        obsid: Ids of LAMOST's spectra [spectra].
        bound: Cramer-Rao bounds, in the order of the emulator's labels [spectra, labels]; NaN for
            damaged files.
        label_error: Standard deviations of the noise with which the survey's labels are drawn, by
            label [spectra]; zero points are not noise. NaN where the survey has no label.
    """
    stars = plan.stars
    true = {"teff": stars.teff, "logg": stars.logg, "feh": stars.feh} | stars.xfe
    bounds = dict(zip((*emulator.PARAMETERS, *emulator.ELEMENTS), bound.T, strict=True))
    columns = {"obsid": pa.array(obsid)}
    for name, error in label_error.items():
        quantity = _quantity(LABELS[name])
        columns[f"{name}_true"] = pa.array(true[quantity][plan.observations.star])
        columns[f"{name}_bound"] = pa.array(bounds[quantity])
        columns[f"{name}_label_error"] = pa.array(error, from_pandas=True)
    labelled = np.isfinite(list(label_error.values())).any(axis=0)
    rows = labelled & ~np.isnan(bound[:, 0])
    table = schema(floor_columns(LABELS[name] for name in LABELS if name in label_error))
    return pa.table(columns).filter(rows).select(table.names).cast(table)


def _quantity(label: Label) -> str:
    """The emulator's name of a label; ions have the abundance of the element."""
    if label in PARAMETERS:
        return label.name
    species = label.text.removesuffix("_FE")
    return apogee.ELEMENT.get(species, species.title())
