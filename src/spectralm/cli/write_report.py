"""One HTML page with all that an experiment has found, and how."""

import json
import logging
import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import yaml

from spectralm.files import write_text
from spectralm.provenance import provenance
from spectralm.report.exhibits import figure, read_captions, table
from spectralm.report.key import elements_rows, key_rows
from spectralm.report.page import Model, Report, grouped, read_models, render, versions_of
from spectralm.report.timings import timings

LIBRARIES = ("astropy", "matplotlib", "numpy", "pyarrow", "pydantic", "scipy")


def run(
    *,
    key: Path,
    elements: Path | None = None,
    tables: list[Path],
    figures: list[Path],
    counts: list[Path],
    captions: list[Path],
    manifests: list[Path],
    benchmarks: Path,
    rules: str,
    config: str,
    note: str,
    out: Path,
) -> None:
    """Write the page; figures are embedded.

    ``key`` is the CSV of the table of all models, ``elements`` that of stage 2's elements;
    ``rules`` is JSON, the regular expression of the paths of each rule's benchmarks; ``config`` is
    JSON.
    """
    words = read_captions(captions)
    models = read_models(manifests)
    page = Report(
        note,
        key_rows(key),
        elements_rows(elements) if elements else [],
        models,
        grouped([table(path) for path in tables], words, "tables"),
        grouped([figure(path) for path in figures], words, "figures"),
        [table(path) for path in counts],
        timings(benchmarks, json.loads(rules)),
        _environment(models),
        yaml.safe_dump(json.loads(config), sort_keys=False, allow_unicode=True),
        provenance(())["git_commit"] or "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )
    write_text(out, render(page))
    logging.info("%s: %.1f MB", out, out.stat().st_size / 1e6)


def _environment(models: list[Model]) -> dict[str, str]:
    here = provenance(LIBRARIES)
    machine = {"machine": platform.platform(), "processors": str(os.cpu_count())}
    return {"python": here["python"], **versions_of(models, here["versions"]), **machine}
