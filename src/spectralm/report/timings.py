"""How long each rule took, from Snakemake's benchmarks."""

import csv
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Timing:
    """All jobs of one rule."""

    rule: str
    jobs: int
    seconds: float
    """Wall time, summed over jobs; some ran at the same time."""
    longest: float
    """Wall time of the longest job."""
    cpu_seconds: float
    megabytes: float
    """The largest resident set of any job."""


def timings(folder: Path, patterns: Mapping[str, str]) -> list[Timing]:
    """Times of every rule with a benchmark, the longest first.

    Args:
        folder: of the benchmarks, one file with a head and a row per job.
        patterns: for each rule the regular expression of its benchmarks' paths.
    """
    jobs: dict[str, list[dict[str, str]]] = defaultdict(list)
    for path in sorted(folder.rglob("*.tsv")):
        for rule, pattern in patterns.items():
            if re.fullmatch(pattern, str(path)):
                jobs[rule] += csv.DictReader(path.read_text().splitlines(), delimiter="\t")
    return sorted(
        (_timing(rule, rows) for rule, rows in jobs.items()), key=lambda each: -each.seconds
    )


def _timing(rule: str, rows: list[dict[str, str]]) -> Timing:
    seconds, cpu, memory = (
        [_number(row[name]) for row in rows] for name in ("s", "cpu_time", "max_rss")
    )
    return Timing(rule, len(rows), sum(seconds), max(seconds), sum(cpu), max(memory))


def _number(text: str) -> float:
    """Jobs that end before Snakemake looks at them have no number, but NA or -."""
    return float(text) if re.fullmatch(r"[\d.]+", text) else 0.0


def duration(seconds: float | None) -> str:
    """Seconds as people say them; None, of an adapter that was trained elsewhere, as a dash."""
    if seconds is None:
        return "–"
    if seconds < 100:
        return f"{seconds:.3g} s"
    minutes = seconds / 60
    return f"{minutes:.1f} min" if minutes < 100 else f"{minutes / 60:.1f} h"
