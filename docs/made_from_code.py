"""Tables of the manual that are generated from the code; a hook of MkDocs.

``<!-- made from code: NAME -->`` in a page of ``docs/`` is replaced by the table NAME.
"""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from spectralm import schemas
from spectralm.labels.vocabulary import LABELS, Targets
from spectralm.schemas import Column, catalogue_columns, user_columns
from spectralm.spectra.refusals import REASONS

ROOT = Path(__file__).parent.parent
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
CONFIG = ROOT / "config" / "config.yaml"
MARK = re.compile(r"<!-- made from code: (\w+) -->")

#: Headings of the page on columns (files, for most), and the columns.
COLUMNS = {
    "results/catalogues/files.parquet": schemas.FILES,
    "results/catalogues/lamost.parquet": schemas.CATALOGUE,
    "results/catalogues/{survey}.stars.parquet": schemas.STARS,
    "results/catalogues/{survey}.parquet": schemas.CROSSMATCHED,
    "results/samples/{dataset}.parquet": schemas.ASSIGNMENT,
    "results/samples/{dataset}/{shard}.parquet": schemas.SAMPLE,
    "results/spectra/{dataset}/{shard}.parquet": schemas.SPECTRA,
    "results/predictions/{run}/{dataset}/{shard}.parquet": schemas.PREDICTIONS,
    "results/residuals/{run}/{dataset}.parquet, stage 1": schemas.residual_columns(
        Targets.PARAMETERS
    ),
    "results/residuals/{run}/{dataset}.parquet, stage 2": schemas.residual_columns(
        Targets.ABUNDANCES
    ),
    "results/catalogue/{run}.*, stage 1": catalogue_columns(Targets.PARAMETERS),
    "results/catalogue/{run}.*, stage 2": catalogue_columns(Targets.ABUNDANCES),
    "*.rejects.parquet": schemas.REJECTS,
    "What `spectralm predict` writes": user_columns(LABELS.values()),
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the tables of a page (called by MkDocs)."""
    return MARK.sub(lambda mark: TABLES[mark[1]](), markdown)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A Markdown table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in row)} |" for row in lines)


def every_column() -> str:
    """A heading and a table for each file with columns."""
    return "\n\n".join(f"## {name}\n\n{_columns(columns)}" for name, columns in COLUMNS.items())


def _columns(columns: tuple[Column, ...]) -> str:
    head = ["column", "type", "unit", "what it is"]
    rows = [[f"`{c.name}`", _type(c.type), c.unit, c.description] for c in columns]
    if any(c.ucd for c in columns):
        head.append("UCD")
        rows = [[*row, c.ucd] for row, c in zip(rows, columns, strict=True)]
    return table(head, rows)


def _type(kind: pa.DataType) -> str:
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind)


def refusals() -> str:
    """The reasons why a spectrum is refused."""
    rows = ((f"`{name}`", meaning) for name, meaning in REASONS.items())
    return table(("reason", "what it means"), rows)


def every_key() -> str:
    """A table of keys for each section of the config, with the values of ``config/config.yaml``."""
    schema = yaml.safe_load(SCHEMA.read_text())
    values = yaml.safe_load(CONFIG.read_text())
    return "\n\n".join(_sections("", schema, values, schema["$defs"], level=2))


def _sections(
    path: str, section: dict, values: dict | None, definitions: dict, level: int
) -> Iterator[str]:
    """A table of the keys of a section, and then its subsections.

    ``values`` are the values of this section in the config. None for sections that may occur
    several times; their defaults are those of the schema.
    """
    rows, subsections = [], []
    for name, field in section["properties"].items():
        found = list(_subsections(f"{path}.{name}".lstrip("."), field, definitions))
        own = values[name] if values and "$ref" in field else None
        subsections += [(key, below, own) for key, below in found]
        kind, default = ("below", "") if found else (_kind(field), _default(name, field, values))
        rows.append((f"`{name}`", kind, default, field.get("description", "")))
    yield table(("key", "type", "default", "what it is"), rows)
    for key, below, own in subsections:
        yield f"{'#' * level} {key}\n\n{below.get('description', '')}"
        yield from _sections(key, below, own, definitions, level + 1)


def _subsections(key: str, field: dict, definitions: dict) -> Iterator[tuple[str, dict]]:
    """The subsections of a key: its value, or the entries of its value."""
    for entries, name in (("items", "N"), ("additionalProperties", "NAME")):
        if isinstance(field.get(entries), dict):
            yield from _subsections(f"{key}.{name}", field[entries], definitions)
    if "$ref" in field:
        yield key, definitions[_last(field["$ref"])]
    for choice in field.get("anyOf", []):
        yield from _subsections(key, choice, definitions)
    for kind, one in field.get("discriminator", {}).get("mapping", {}).items():
        yield f"{key} [{kind}]", definitions[_last(one)]


def _last(reference: str) -> str:
    return reference.rpartition("/")[2]


def _kind(field: dict) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    choices = field.get("anyOf", [field])
    return " or ".join(
        " or ".join(f"`{value}`" for value in one["enum"]) if "enum" in one else one["type"]
        for one in choices
    )


def _default(name: str, field: dict, values: dict | None) -> str:
    if values is None and "default" not in field:
        return "must be given"
    value = field["default"] if values is None else values[name]
    return f"`{json.dumps(value)}`"


TABLES = {"columns": every_column, "refusals": refusals, "config_keys": every_key}
