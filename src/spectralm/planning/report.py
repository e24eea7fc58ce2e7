"""A plan as Markdown."""

from collections.abc import Iterable, Iterator, Sequence

from spectralm.planning.plan import USABLE, Alternative, Estimate, Plan
from spectralm.planning.work import UTILISATION

WORK = ("run", "of", "text", "spectra", "tokens each", "EFLOP")
COST = ("GPU-hours", "GPUs", "hours", "GiB per GPU", "fits")
OTHER = ("base", "text", "gradient checkpointing", "GPU-hours", "GiB per GPU", "fits")
TITLES = {
    "train": "Training",
    "evaluate": "Evaluation during trainings",
    "calibrate": "Calibration",
    "predict": "Prediction",
}


def markdown(plan: Plan) -> str:
    """Tables of a plan, and the assumptions of its numbers."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield "## Spectra\n"
    yield from table(
        ("of", "scale", "shards", "train", "validation", "test"),
        (
            (s.dataset, *(f"{n:,}" for n in (s.scale, s.shards, s.train, s.validation, s.test)))
            for s in plan.samples
        ),
    )
    yield f"\n## Jobs: {sum(plan.jobs.values()):,}\n"
    hours = plan.gpu_hours_of_rules if plan.estimates else {}
    yield from table(
        ("rule", "jobs", f"GPU-hours on {plan.gpu.name}"),
        ((rule, f"{n:,}", _range(hours.get(rule))) for rule, n in plan.jobs.items()),
    )
    kept = sum(stage.bytes for stage in plan.disk if not stage.temporary)
    yield f"\n## Disk: {_size(kept)}, and workspaces while trainings run\n"
    yield from table(("stage", "size"), ((stage.stage, _size(stage.bytes)) for stage in plan.disk))
    for step, title in TITLES.items():
        rows = [estimate for estimate in plan.estimates if estimate.step == step]
        if rows:
            yield f"\n## {title}: {_total(rows)} GPU-hours on {plan.gpu.name}\n"
            yield from table((*WORK, *COST), map(_row, rows))
    if plan.alternatives:
        yield f"\n## {plan.largest} with other bases and texts\n"
        yield from table(OTHER, map(_other, plan.alternatives))
    yield ""
    yield from _notes(plan)


def _total(rows: Iterable[Estimate]) -> str:
    chosen = [row for row in rows if row.chosen]
    best, worst = (
        sum(getattr(row, name) for row in chosen) for name in ("gpu_hours", "gpu_hours_at_worst")
    )
    return _range((best, worst))


def _row(row: Estimate) -> tuple[str, ...]:
    return (
        row.run,
        row.dataset,
        row.text + " (config)" * row.chosen,
        f"{row.spectra:,}",
        f"{row.tokens:,}",
        f"{row.flops / 1e18:,.1f}",
        _range((row.gpu_hours, row.gpu_hours_at_worst)),
        str(row.gpus),
        _range(row.hours),
        f"{row.memory / 2**30:.0f}",
        _fits(row.fits),
    )


def _other(row: Alternative) -> tuple[str, ...]:
    return (
        row.base,
        row.text,
        "yes" if row.checkpointing else "no",
        _range(row.gpu_hours),
        f"{row.memory / 2**30:.0f}",
        _fits(row.fits),
    )


def _fits(fits: bool) -> str:
    return "yes" if fits else "NO"


def _range(hours: tuple[float, float] | None) -> str:
    """A range of hours with a precision that suits the estimates."""
    if hours is None:
        return ""
    digits = 0 if hours[1] >= 20 else 1
    return " to ".join(f"{value:,.{digits}f}" for value in hours)


def _notes(plan: Plan) -> Iterator[str]:
    if plan.estimates:
        worst, best = UTILISATION
        yield (
            "These numbers are computed, not measured (`make smoke-gpu` measures)."
            f" {plan.gpu.name}: {plan.gpu.flops / 1e12:g} TFLOP/s dense bf16, with a utilisation of"
            f" {worst:.0%} to {best:.0%}; {plan.gpu.bandwidth / 1e9:,g} GB/s to its memory and"
            f" {plan.gpu.link / 1e9:g} GB/s from other GPUs, with a utilisation of 50% to 100%;"
            f" {plan.gpu.memory / 2**30:g} GiB of memory, of which {USABLE:.0%} can be used"
            f" ({plan.gpu.source}). Attention is causal and computed in blocks (FlashAttention or"
            " SDPA). Included: generation token by token, the further tokens for errors, and"
            " gathering the base for each token under ZeRO-3. Not included: messages between nodes,"
            " loading, queues, and the GPUs of baselines."
        )
    for name in plan.unplanned:
        yield f"{name} trains on the tiny base, on a CPU: not estimated."


def _size(count: float) -> str:
    units = {"TB": 1e12, "GB": 1e9, "MB": 1e6}
    unit = next((unit for unit, size in units.items() if count >= size), "MB")
    return f"{count / units[unit]:,.3g} {unit}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"
