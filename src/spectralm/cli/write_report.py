"""One HTML page with all that an experiment has found, and how."""

import json
import logging
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import yaml

from spectralm.evaluation.inputs import Inputs
from spectralm.evaluation.options import EvaluationOptions
from spectralm.evaluation.runs import Manifest
from spectralm.files import write_text
from spectralm.provenance import Provenance, provenance
from spectralm.report.items import counts, figure, table
from spectralm.report.page import Report, grouped, render, versions_of
from spectralm.report.summary import elements_rows, summary_rows
from spectralm.report.timings import timings

LIBRARIES = ("astropy", "matplotlib", "numpy", "pyarrow", "pydantic", "scipy")


def run(
    *,
    key: Path | None = None,
    elements: Path | None = None,
    tables: list[Path],
    figures: list[Path],
    rejects: list[Path],
    cuts: list[Path],
    manifests: list[Path],
    benchmarks: Path,
    rules: str,
    config: str,
    options: EvaluationOptions,
    out: Path,
) -> None:
    """Write the page; figures are embedded, and open their PDF.

    ``key`` is the tidy table of all models, ``elements`` that of stage 2's elements; ``rejects``
    are tables, too. ``rules`` is JSON, the regular expression of the paths of each rule's
    benchmarks; ``config`` is JSON.
    """
    models = Inputs(manifests=manifests).trainings
    here = provenance(LIBRARIES)
    page = Report(
        options.note,
        summary_rows(key, models) if key else [],
        elements_rows(elements) if elements else [],
        models,
        grouped([table(path, manifests, options) for path in tables]),
        grouped([figure(path, out) for path in figures]),
        [*(table(path, manifests, options) for path in rejects), *map(counts, cuts)],
        timings(benchmarks, json.loads(rules)),
        _environment(models, here),
        yaml.safe_dump(json.loads(config), sort_keys=False, allow_unicode=True),
        here["git_commit"] or "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    write_text(out, render(page))
    logging.info("%s: %.1f MB", out, out.stat().st_size / 1e6)


def _environment(models: Mapping[str, Manifest], here: Provenance) -> dict[str, str]:
    machine = {"machine": platform.platform(), "processors": str(os.cpu_count())}
    versions = versions_of(models.values(), here["versions"])
    return {"python": here["python"], **versions, **machine}
