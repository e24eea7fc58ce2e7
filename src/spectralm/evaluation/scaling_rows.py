"""The tidy table of scaling, and back."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from spectralm.errors import InputError
from spectralm.evaluation.scaling import Law, Point, Scaling

OURS, PAPER = "ours", "paper"

T = TypeVar("T")


@dataclass(frozen=True)
class ScalingRow:
    """One number: the sigma of a point, or the exponent, amplitude or scatter of a law."""

    source: str
    """OURS or PAPER."""
    model: str
    label: str
    statistic: str
    quantity: str
    scale: int | None
    n_train: int | None
    n: int | None
    used: int | None
    value: float | None
    low: float | None
    high: float | None


def rows_of(source: str, scaling: Scaling) -> Iterator[ScalingRow]:
    """Points, then laws."""
    for p in scaling.points:
        key = (source, p.model, p.label, p.statistic, "sigma")
        yield ScalingRow(*key, p.scale, p.n_train, p.n, p.used, p.sigma, p.low, p.high)
    nothing = (None,) * 4
    for law in scaling.laws:
        of_law = (source, law.model, law.label, law.statistic)
        yield ScalingRow(*of_law, "exponent", *nothing, law.exponent, law.low, law.high)
        yield ScalingRow(*of_law, "amplitude", *nothing, law.amplitude, None, None)
        yield ScalingRow(*of_law, "scatter", *nothing, law.scatter, None, None)


def scaling_of(source: str, rows: Iterable[ScalingRow]) -> Scaling:
    """What :func:`rows_of` wrote of a source."""
    own = [row for row in rows if row.source == source]
    points = [
        Point(
            r.model, r.label, r.statistic, _given(r.scale, r), _given(r.n_train, r), r.n, r.used,
            r.value, r.low, r.high,
        )
        for r in own
        if r.quantity == "sigma"
    ]  # fmt: skip
    scales = [point.scale for point in points if point.n is not None]
    found = Scaling(min(scales, default=None), points, [])
    for row in own:
        if row.quantity == "exponent":
            found.laws.append(_law(row, own, found))
    return found


def _law(exponent: ScalingRow, rows: Sequence[ScalingRow], scaling: Scaling) -> Law:
    key = (exponent.model, exponent.label, exponent.statistic)
    of_law = {r.quantity: r.value for r in rows if (r.model, r.label, r.statistic) == key}
    return Law(
        *key,
        points=len(scaling.points_of(*key)),
        amplitude=_given(of_law["amplitude"], exponent),
        exponent=_given(exponent.value, exponent),
        low=exponent.low,
        high=exponent.high,
        scatter=of_law["scatter"],
    )


def _given(value: T | None, row: ScalingRow) -> T:
    if value is None:
        place = f"{row.model}, {row.label}, {row.statistic}"
        raise InputError("table of scaling", place, "a number is missing", "tabulate it again")
    return value
