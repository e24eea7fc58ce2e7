"""Rows and files that were refused, counted by the step that refused them and its reason."""

from collections.abc import Sequence
from dataclasses import dataclass

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.render import Panel, Table
from spectralm.files import read_parquet

TITLE = "Rejects"
CAPTION = "Every refused row and file of {dataset}, by the step that refused it and its reason."


@dataclass(frozen=True)
class Row:
    """One reason of one step."""

    stage: str
    reason: str
    count: int


def rows(inputs: Inputs) -> list[Row]:
    """A row per step and reason."""
    counts = (
        read_parquet(inputs.rejects)
        .group_by(["stage", "reason"])
        .aggregate([([], "count_all")])
        .sort_by([("stage", "ascending"), ("reason", "ascending")])
    )
    return [Row(row["stage"], row["reason"], row["count_all"]) for row in counts.to_pylist()]


def table(rows: Sequence[Row], inputs: Inputs) -> Table:
    """The tidy table."""
    cells = tuple((row.stage, row.reason, str(row.count)) for row in rows)
    panel = Panel("", ("Step", "Reason", "Count"), "llr", {"": cells})
    return Table(inputs.caption(CAPTION), [panel], inputs.options.note)
