"""The manual's tables that are made from the code, a hook of mkdocs.

``<!-- made from code: NAME -->`` in a page of ``docs/`` becomes the table of that name.
"""

import json
import re
from collections.abc import Iterator
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

#: Tables of the page on columns: the file, and what is in it.
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
    """Fill a page's tables in (called by mkdocs)."""
    return MARK.sub(lambda mark: TABLES[mark[1]](), markdown)


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(' '.join(cell.split()) for cell in row)} |" for row in lines)


def every_column() -> str:
    """A heading and a table for each file of tables."""
    return "\n\n".join(f"## {place}\n\n{_columns(of)}" for place, of in COLUMNS.items())


def _columns(of: tuple[Column, ...]) -> str:
    head = ("column", "type", "unit", "what it is")
    rows = ((f"`{c.name}`", _type(c.type), c.unit, c.description) for c in of)
    if any(c.ucd for c in of):
        head = (*head, "UCD")
        rows = ((*row, c.ucd) for row, c in zip(rows, of, strict=True))
    return table(head, rows)


def _type(kind: pa.DataType) -> str:
    return f"list of {kind.value_type}" if pa.types.is_list(kind) else str(kind)


def refusals() -> str:
    """Why a spectrum is refused."""
    rows = ((f"`{name}`", meaning) for name, meaning in REASONS.items())
    return table(("reason", "what it means"), rows)


def every_key() -> str:
    """A table of keys for each part of the config, with the values of ``config/config.yaml``."""
    schema = yaml.safe_load(SCHEMA.read_text())
    values = yaml.safe_load(CONFIG.read_text())
    return "\n\n".join(_sections("", schema, values, schema["$defs"], level=2))


def _sections(
    place: str, part: dict, values: dict | None, known: dict, level: int
) -> Iterator[str]:
    """A part's keys as a table, then a section for each key that is a part itself.

    ``values`` are those of this part in the config; None for entries of which there may be many,
    whose defaults are the schema's.
    """
    rows, inner = [], []
    for name, field in part["properties"].items():
        parts = list(_parts(f"{place}.{name}".lstrip("."), field, known))
        own = values[name] if values and "$ref" in field else None
        inner += [(key, below, own) for key, below in parts]
        told = ("below", "") if parts else (_kind(field), _default(name, field, values))
        rows.append((f"`{name}`", *told, field.get("description", "")))
    yield table(("key", "type", "default", "what it is"), iter(rows))
    for key, below, own in inner:
        yield f"{'#' * level} {key}\n\n{below.get('description', '')}"
        yield from _sections(key, below, own, known, level + 1)


def _parts(key: str, field: dict, known: dict) -> Iterator[tuple[str, dict]]:
    """The parts that a key's value is made of: its own, or those of its entries."""
    for entries, name in (("items", "N"), ("additionalProperties", "NAME")):
        if isinstance(field.get(entries), dict):
            yield from _parts(f"{key}.{name}", field[entries], known)
    if "$ref" in field:
        yield key, known[_last(field["$ref"])]
    for kind, one in field.get("discriminator", {}).get("mapping", {}).items():
        yield f"{key} [{kind}]", known[_last(one)]


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
