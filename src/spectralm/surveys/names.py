"""Parses the names of LAMOST files (docs/survey_files.md).

``spec-<LMJD>-<PLANID>_sp<SPID>-<FIBERID>.fits[.gz]``, optionally with a prefix
(``DR5_spec-...``), or ``<OBSID>.fits[.gz]``. PLANID may contain hyphens and underscores, so names
are parsed from the right.
"""

import pyarrow as pa
import pyarrow.compute as pc

SPEC = (
    r"^.*?spec-(?P<lmjd>\d{1,6})-(?P<planid>.+)_sp(?P<spid>\d{1,3})-(?P<fiberid>\d{1,4})"
    r"(?i:\.fits(?:\.gz)?)$"
)
OBSID = r"^(?P<obsid>-?\d{1,18})(?i:\.fits(?:\.gz)?)$"
MEDIUM = r"^(?:[^-]*_)?med-\d+-.+(?i:\.fits(?:\.gz)?)$"


def base_names(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    """The last part of each path."""
    return pc.replace_substring_regex(paths, r"^.*/", "")


def parse_names(paths: pa.ChunkedArray) -> pa.Table:
    """Columns obsid, lmjd, planid, spid, fiberid; null where they are not in the name."""
    names = base_names(paths)
    spec = pc.extract_regex(names, SPEC)
    numbers = {
        key: pc.struct_field(spec, key).cast(pa.int32()) for key in ("lmjd", "spid", "fiberid")
    }
    return pa.table(
        {
            "obsid": pc.struct_field(pc.extract_regex(names, OBSID), "obsid").cast(pa.int64()),
            "lmjd": numbers["lmjd"],
            "planid": pc.struct_field(spec, "planid"),
            "spid": numbers["spid"],
            "fiberid": numbers["fiberid"],
        }
    )


def is_medium_resolution(paths: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whether each path is named like a LAMOST medium-resolution file (``med-...``)."""
    return pc.match_substring_regex(base_names(paths), MEDIUM)


def name_keys(parts: pa.Table) -> pa.ChunkedArray:
    """``LMJD-PLANID_spSPID-FIBERID`` without leading zeros; null where a part is missing."""
    text = {key: parts[key].cast(pa.string()) for key in ("lmjd", "planid", "spid", "fiberid")}
    left = pc.binary_join_element_wise(text["lmjd"], text["planid"], "-")
    right = pc.binary_join_element_wise(text["spid"], text["fiberid"], "-")
    return pc.binary_join_element_wise(left, right, "_sp")
