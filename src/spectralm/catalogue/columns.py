"""The columns of a run's catalogue: name, type, unit, sentence, UCD."""

from enum import IntFlag

import pyarrow as pa

from spectralm.labels.columns import Column
from spectralm.labels.vocabulary import Ask, Label


class LabelFlag(IntFlag):
    """Bits of the columns ``*_flag``: what a reader must know of one value."""

    NO_VALUE = 1
    """The model gave none that could be read, or was not asked for it."""
    NO_ERROR = 2
    """The model tells no error."""
    OUTSIDE = 4
    """The value is outside the range of the labels that the model was trained on."""


_FLAG = ", ".join(f"{flag.value} {flag.name.lower()}" for flag in LabelFlag).replace("_", " ")

BEFORE = (
    Column("obsid", pa.int64(), "", "LAMOST's id of the spectrum", "meta.id;meta.main"),
    Column("star_id", pa.string(), "", "the same for all of a star's spectra", "meta.id.assoc"),
    Column("gaia_source_id", pa.string(), "", "Gaia's id of the star", "meta.id.cross"),
    Column("ra", pa.float64(), "deg", "right ascension, ICRS, J2000", "pos.eq.ra;meta.main"),
    Column("dec", pa.float64(), "deg", "declination, ICRS, J2000", "pos.eq.dec;meta.main"),
    Column("snrg", pa.float64(), "", "signal-to-noise ratio in band g", "stat.snr;em.opt.B"),
    Column("snrr", pa.float64(), "", "signal-to-noise ratio in band r", "stat.snr;em.opt.R"),
    Column("snri", pa.float64(), "", "signal-to-noise ratio in band i", "stat.snr;em.opt.I"),
    Column("status", pa.string(), "", "parsed, or why there is no answer", "meta.code.status"),
    Column("class", pa.string(), "", "spectral class by the model", "src.spType"),
)

AFTER = (
    Column("masked_fraction", pa.float32(), "", "share of the grid masked", "meta.code.qual"),
    Column("distance", pa.float64(), "", "from the training spectra", "stat.fit.goodness"),
    Column("flags", pa.int32(), "", "bit mask of spectrum and answer", "meta.code.qual"),
    Column("run", pa.string(), "", "the run: model-dataset-scale", "meta.id"),
    Column("weights", pa.string(), "", "first digits of the weights' SHA-256", "meta.id"),
    Column("serializer", pa.string(), "", "how spectra are spelled, and its hash", "meta.id"),
)

UCDS = {"teff": "phys.temperature.effective", "logg": "phys.gravity", "feh": "phys.abund.Fe"}


def catalogue_columns(ask: Ask) -> tuple[Column, ...]:
    """The columns of the catalogue of a run that is asked for ``ask``."""
    return (*BEFORE, *(column for label in ask.labels for column in _of(label)), *AFTER)


def _of(label: Label) -> tuple[Column, ...]:
    ucd, name = UCDS.get(label.name, "phys.abund"), label.name
    error = f"error of {label.text}, 68 % interval"
    return (
        Column(name, pa.float64(), label.unit, f"{label.text} by the model", ucd),
        Column(f"{name}_err", pa.float64(), label.unit, error, f"stat.error;{ucd}"),
        Column(f"{name}_flag", pa.int16(), "", f"0 good, else sum of: {_FLAG}", "meta.code.qual"),
    )
