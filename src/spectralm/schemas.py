"""The columns of every table that is written: name, type, unit and description."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntFlag

import pyarrow as pa

from spectralm.labels.vocabulary import ABUNDANCES, PARAMETERS, Label, Targets


@dataclass(frozen=True)
class Column:
    """A column of one of our tables."""

    name: str
    type: pa.DataType
    unit: str
    """Empty if the quantity has none."""
    description: str
    ucd: str = ""
    """The Virtual Observatory's descriptor of the quantity (UCD1+), in published tables."""


def schema(columns: tuple[Column, ...]) -> pa.Schema:
    """The Arrow schema of a table, with units, descriptions and UCDs as metadata of the fields."""
    return pa.schema(
        pa.field(
            c.name,
            c.type,
            metadata={"unit": c.unit, "description": c.description, "ucd": c.ucd},
        )
        for c in columns
    )


FILES = (
    Column("path", pa.string(), "", "file of the spectrum"),
    Column("obsid", pa.int64(), "", "spectrum id in the file's name, if the name is an id"),
    Column("lmjd", pa.int32(), "d", "local modified Julian day in the file's name"),
    Column("planid", pa.string(), "", "plan in the file's name"),
    Column("spid", pa.int32(), "", "spectrograph in the file's name"),
    Column("fiberid", pa.int32(), "", "fibre in the file's name"),
)

CATALOGUE = (
    Column("obsid", pa.int64(), "", "LAMOST's id of the spectrum"),
    Column("path", pa.string(), "", "file of the spectrum"),
    Column("star_id", pa.string(), "", "gaia:, uid: or sky: id, common to all spectra of a star"),
    Column("class", pa.string(), "", "spectral class: A, F, G, K or M"),
    Column("subclass", pa.string(), "", "the survey's spectral type, such as G5 or dM1"),
    Column("teff", pa.float64(), "K", "effective temperature"),
    Column("teff_err", pa.float64(), "K", "its error"),
    Column("logg", pa.float64(), "dex", "log10 of the surface gravity in cm/s2"),
    Column("logg_err", pa.float64(), "dex", "its error"),
    Column("feh", pa.float64(), "dex", "[Fe/H], or [M/H] where feh_source says so"),
    Column("feh_err", pa.float64(), "dex", "its error"),
    Column("feh_source", pa.string(), "", "the survey's column: feh (LASP) or m_h (M stars)"),
    Column("snrg", pa.float64(), "", "signal-to-noise ratio in band g"),
    Column("snrr", pa.float64(), "", "signal-to-noise ratio in band r"),
    Column("snri", pa.float64(), "", "signal-to-noise ratio in band i"),
    Column("ra", pa.float64(), "deg", "right ascension, J2000"),
    Column("dec", pa.float64(), "deg", "declination, J2000"),
    Column("z", pa.float64(), "", "redshift"),
    Column("gaia_source_id", pa.string(), "", "Gaia's id of the star"),
    Column("gmag", pa.float64(), "mag", "Gaia's mean G magnitude"),
    Column("source", pa.string(), "", "name of the catalogue file"),
)

_XFE = tuple(Column(a.name, pa.float64(), a.unit, f"the survey's {a.latex}") for a in ABUNDANCES)

STARS = (
    Column("survey_id", pa.string(), "", "the survey's own id of the star"),
    Column("ra", pa.float64(), "deg", "right ascension, ICRS, at the epoch"),
    Column("dec", pa.float64(), "deg", "declination, ICRS, at the epoch"),
    Column("epoch", pa.float64(), "yr", "Julian year of the position"),
    Column("pmra", pa.float64(), "mas/yr", "proper motion in right ascension times cos(dec)"),
    Column("pmdec", pa.float64(), "mas/yr", "proper motion in declination"),
    Column("gaia_source_id", pa.string(), "", "Gaia's id of the star"),
    Column("gaia_release", pa.string(), "", "the release that the id is of: DR2 or DR3"),
    Column("gmag", pa.float64(), "mag", "Gaia's mean G magnitude"),
    Column("snr", pa.float64(), "", "the survey's signal-to-noise ratio"),
    *(Column(p.name, pa.float64(), p.unit, f"the survey's {p.text}") for p in PARAMETERS),
    *_XFE,
)

CROSSMATCHED = (
    *CATALOGUE,
    Column("survey_id", pa.string(), "", "the other survey's id of the star"),
    Column("separation", pa.float64(), "arcsec", "from the survey's position at LAMOST's epoch"),
    Column("matched_by", pa.string(), "", "gaia (id), sky, or sky with proper motion"),
    Column("survey_snr", pa.float64(), "", "the survey's signal-to-noise ratio"),
    *(
        Column(f"survey_{p.name}", pa.float64(), p.unit, f"the survey's {p.text}")
        for p in PARAMETERS
    ),
    *_XFE,
)

ASSIGNMENT = (
    Column("obsid", pa.int64(), "", "LAMOST's id of the spectrum"),
    Column("class", pa.string(), "", "spectral class: A, F, G, K or M"),
    Column("star_id", pa.string(), "", "id of the star"),
    Column("split", pa.string(), "", "train, validation or test; the same for a star"),
    Column("shard", pa.int32(), "", "shard that the spectrum belongs to"),
)

_SPLIT_AND_SHARD = tuple(column for column in ASSIGNMENT if column.name in ("split", "shard"))
SAMPLE = (*CATALOGUE, *_SPLIT_AND_SHARD)
CROSSMATCHED_SAMPLE = (*CROSSMATCHED, *_SPLIT_AND_SHARD)

REJECTS = (
    Column("obsid", pa.int64(), "", "spectrum id; null if unknown"),
    Column("path", pa.string(), "", "file of the spectrum; null if unknown"),
    Column("stage", pa.string(), "", "the rule that refused the row"),
    Column("reason", pa.string(), "", "short name of the reason"),
    Column("detail", pa.string(), "", "what was found"),
)

ERROR = "half the interval with 68 % of the validation stars; null if the model gives no errors"

PREDICTIONS = (
    Column("obsid", pa.int64(), "", "spectrum id"),
    Column("status", pa.string(), "", "'parsed', else the short reason why there is no answer"),
    Column("answer", pa.string(), "", "the model's text; null for models that write none"),
    Column("class", pa.string(), "", "the class that the model names"),
    *(
        column
        for label in (*PARAMETERS, *ABUNDANCES)
        for column in (
            Column(label.name, pa.float64(), label.unit, f"the model's {label.text}"),
            Column(f"{label.name}_err", pa.float64(), label.unit, ERROR),
        )
    ),
)

_EVALUATED = (
    Column("obsid", pa.int64(), "", "spectrum id"),
    Column("star_id", pa.string(), "", "the star; several spectra may share one"),
    Column("class", pa.string(), "", "the survey's class"),
    Column("snrr", pa.float64(), "", "signal-to-noise ratio in r"),
    Column("snri", pa.float64(), "", "signal-to-noise ratio in i"),
    Column("status", pa.string(), "", "'parsed', else the short reason why there is no answer"),
    Column("predicted_class", pa.string(), "", "the class that the model names"),
)


def _residual(label: Label) -> tuple[Column, ...]:
    return (
        Column(label.name, pa.float64(), label.unit, f"the survey's {label.text}"),
        Column(f"{label.name}_predicted", pa.float64(), label.unit, f"the model's {label.text}"),
        Column(f"{label.name}_err", pa.float64(), label.unit, ERROR),
        Column(f"{label.name}_residual", pa.float64(), label.unit, "predicted - survey"),
        *_limits(label),
    )


def _limits(label: Label) -> tuple[Column, ...]:
    bound = "Cramér-Rao bound of the spectrum; infinite if it has no information"
    error = "sigma of the random error of the survey's label, without zero point"
    return (
        Column(f"{label.name}_true", pa.float64(), label.unit, f"the true {label.text}, if known"),
        Column(f"{label.name}_bound", pa.float64(), label.unit, bound),
        Column(f"{label.name}_label_error", pa.float64(), label.unit, error),
    )


def residual_columns(targets: Targets) -> tuple[Column, ...]:
    """The columns of residuals of ``targets``."""
    return (*_EVALUATED, *(column for label in targets.labels for column in _residual(label)))


SPECTRA = (
    Column("obsid", pa.int64(), "", "spectrum id"),
    Column(
        "flux", pa.list_(pa.int16()), "0.001", "normalised flux on the grid, of the grid's length"
    ),
    Column(
        "mask", pa.binary(), "", "a bit per grid point, the first one highest: 1 where it is masked"
    ),
    Column("flags", pa.int32(), "", "bit mask of quality flags (see the flags of spectra)"),
    Column("masked_fraction", pa.float32(), "", "fraction of the grid masked or not covered"),
    Column("snrg", pa.float32(), "", "signal-to-noise ratio in g; null if missing"),
    Column("snrr", pa.float32(), "", "signal-to-noise ratio in r; null if missing"),
    Column("snri", pa.float32(), "", "signal-to-noise ratio in i; null if missing"),
)


# Predictions of a user's own spectra.
_OWN_FIRST = (
    Column("file", pa.string(), "", "file of the spectrum"),
    Column("status", pa.string(), "", "'parsed', 'refused' (the file), or why there is no answer"),
    Column("class", pa.string(), "", "the class that the model names"),
)
_OWN_LAST = (
    Column("snr", pa.float64(), "", "signal-to-noise ratio in r: the file's, or flux over error"),
    Column("masked_fraction", pa.float64(), "", "fraction of the grid masked or not covered"),
    Column("distance", pa.float64(), "", "from the training spectra; about 1 for one of them"),
    Column("flags", pa.int32(), "", "bit mask (python -m spectralm.inference.flags)"),
    Column("flag_names", pa.string(), "", "names of the flags that are set"),
    Column("answer", pa.string(), "", "the model's text"),
    Column("detail", pa.string(), "", "why the file was refused, and what to do"),
)


def user_columns(labels: Iterable[Label]) -> tuple[Column, ...]:
    """The columns of predictions of ``labels`` for a user's own spectra."""
    names = {name for label in labels for name in (label.name, f"{label.name}_err")}
    return (*_OWN_FIRST, *(column for column in PREDICTIONS if column.name in names), *_OWN_LAST)


# The released catalogue of a run.


class LabelFlag(IntFlag):
    """Bits of the columns ``*_flag``: the quality of one value."""

    NO_VALUE = 1
    """The answer could not be read, or the value is not one of the targets."""
    NO_ERROR = 2
    """The model gives no error of the value."""
    OUTSIDE = 4
    """The value is outside the range of the labels that the model was trained on."""


_BITS = ", ".join(
    f"{flag.value} {name.lower().replace('_', ' ')}" for name, flag in LabelFlag.__members__.items()
)

_CATALOGUE_FIRST = (
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

_CATALOGUE_LAST = (
    Column("masked_fraction", pa.float32(), "", "fraction of the grid masked", "meta.code.qual"),
    Column("distance", pa.float64(), "", "from the training spectra", "stat.fit.goodness"),
    Column("flags", pa.int32(), "", "bit mask of spectrum and answer", "meta.code.qual"),
    Column("run", pa.string(), "", "the run: model-dataset-scale", "meta.id"),
    Column("weights", pa.string(), "", "first digits of the weights' SHA-256", "meta.id"),
    Column("serializer", pa.string(), "", "how spectra are spelled, and its hash", "meta.id"),
)

_UCDS = {"teff": "phys.temperature.effective", "logg": "phys.gravity", "feh": "phys.abund.Fe"}


def catalogue_columns(targets: Targets) -> tuple[Column, ...]:
    """The columns of the catalogue of a run that predicts ``targets``."""
    return (
        *_CATALOGUE_FIRST,
        *(column for label in targets.labels for column in _released(label)),
        *_CATALOGUE_LAST,
    )


def _released(label: Label) -> tuple[Column, ...]:
    ucd, name = _UCDS.get(label.name, "phys.abund"), label.name
    error = f"error of {label.text}, 68 % interval"
    return (
        Column(name, pa.float64(), label.unit, f"{label.text} by the model", ucd),
        Column(f"{name}_err", pa.float64(), label.unit, error, f"stat.error;{ucd}"),
        Column(f"{name}_flag", pa.int16(), "", f"0 good, else sum of: {_BITS}", "meta.code.qual"),
    )


# The mock sky: true values, and what limits residuals.

#: Elements of the mock sky, whose ions have the abundance of the element.
ELEMENTS = tuple(a for a in ABUNDANCES if a.name not in ("ci_fe", "tiii_fe"))

TRUTH = (
    Column("obsid", pa.int64(), "", "spectrum id"),
    Column("path", pa.string(), "", "file of the spectrum, from the sky's folder"),
    Column("star", pa.int64(), "", "number of the star; repeated observations share it"),
    Column("gaia_dr3", pa.int64(), "", "Gaia DR3's id of the star"),
    Column("gaia_dr2", pa.int64(), "", "Gaia DR2's id, which differs for some stars"),
    Column("type", pa.string(), "", "spectral type, before the pipeline's error"),
    Column("component", pa.string(), "", "thin, thick (discs) or halo"),
    Column("giant", pa.bool_(), "", "whether the star is a giant"),
    Column("teff", pa.float64(), "K", "effective temperature"),
    Column("logg", pa.float64(), "dex", "log10 of the surface gravity in cm/s2"),
    Column("feh", pa.float64(), "dex", "[Fe/H]"),
    *(Column(a.name, pa.float64(), "dex", a.latex) for a in ELEMENTS),
    Column("velocity", pa.float64(), "km/s", "heliocentric radial velocity"),
    Column("vsini", pa.float64(), "km/s", "rotation"),
    Column("reddening", pa.float64(), "mag", "E(B-V)"),
    Column("distance", pa.float64(), "kpc", "distance"),
    Column("resolution", pa.float64(), "", "the fibre's wavelength over FWHM"),
    Column("layout", pa.string(), "", "C: table of DR9 and later; I: image of DR5 to DR8; 1: DR1"),
    Column("damage", pa.string(), "", "how the file was damaged on purpose; null for most"),
)


def floor_columns(labels: Iterable[Label]) -> tuple[Column, ...]:
    """The columns of what limits the residuals of a survey's ``labels``."""
    return (
        Column("obsid", pa.int64(), "", "spectrum id"),
        *(column for label in labels for column in _limits(label)),
    )
