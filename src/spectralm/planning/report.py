"""A plan as Markdown."""

from collections.abc import Iterable, Iterator, Sequence

from spectralm.planning.plan import USABLE, UTILISATION, Estimate, Plan

WORK = ("run", "of", "text", "spectra", "tokens each", "EFLOP")
COST = ("GPU-hours", "GPUs", "hours", "GiB per GPU", "fits")


def markdown(plan: Plan) -> str:
    """Tables of everything in a plan, and what the numbers take for granted."""
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
    yield from table(("rule", "jobs"), ((rule, f"{n:,}") for rule, n in plan.jobs.items()))
    kept = sum(stage.bytes for stage in plan.disk if not stage.temporary)
    yield f"\n## Disk: {_size(kept)}, and workspaces while trainings run\n"
    yield from table(("stage", "size"), ((stage.stage, _size(stage.bytes)) for stage in plan.disk))
    for step, title in (("train", "Training"), ("predict", "Prediction")):
        rows = [estimate for estimate in plan.estimates if estimate.step == step]
        if rows:
            total = sum(row.gpu_hours for row in rows if row.chosen)
            yield f"\n## {title}: {total:,.0f} GPU-hours on {plan.gpu.name}\n"
            yield from table((*WORK, *COST), map(_row, rows))
    yield ""
    yield from _notes(plan)


def _row(row: Estimate) -> tuple[str, ...]:
    return (
        row.run,
        row.dataset,
        row.text + " (config)" * row.chosen,
        f"{row.spectra:,}",
        f"{row.tokens:,}",
        f"{row.flops / 1e18:,.1f}",
        f"{row.gpu_hours:,.1f}",
        str(row.gpus),
        f"{row.hours:,.1f}",
        f"{row.memory / 2**30:.0f}",
        "yes" if row.fits else "NO",
    )


def _notes(plan: Plan) -> Iterator[str]:
    if plan.estimates:
        yield (
            f"{plan.gpu.name}: {plan.gpu.flops / 1e12:g} TFLOP/s dense bf16, of which"
            f" {UTILISATION:.0%} are taken to be reached, {plan.gpu.memory / 2**30:g} GiB of"
            f" memory, of which {USABLE:.0%} may be filled ({plan.gpu.source}). Causal attention"
            " in blocks (flash or SDPA); communication between GPUs is not counted. A training also"
            " answers validation questions, generation.batch_size at once."
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
