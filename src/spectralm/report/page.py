"""The report: one HTML page with everything that an experiment has found, and how."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from spectralm.labels.vocabulary import PARAMETERS
from spectralm.report.exhibits import Caption, Exhibit
from spectralm.report.key import ElementsRow, KeyRow
from spectralm.report.templates import environment
from spectralm.report.timings import Timing

NO_CAPTION = Caption("", "")


@dataclass(frozen=True)
class Model:
    """A trained model, from its manifest."""

    run: str
    kind: str
    n_train: int | None
    parameters: int
    seconds: float | None
    commit: str
    versions: Mapping[str, str]
    """Of Python's packages that it was made with."""


@dataclass(frozen=True)
class Group:
    """The exhibits of one kind, and what is said of all of them."""

    title: str
    text: str
    exhibits: tuple[Exhibit, ...]

    @property
    def anchor(self) -> str:
        """Where links lead to."""
        return f"group-{self.exhibits[0].anchor}"


@dataclass(frozen=True)
class Report:
    """What is on the page."""

    note: str
    """What a reader must know first, such as that the data are synthetic."""
    key: Sequence[KeyRow]
    elements: Sequence[ElementsRow]
    models: Sequence[Model]
    tables: Sequence[Group]
    figures: Sequence[Group]
    counts: Sequence[Exhibit]
    timings: Sequence[Timing]
    environment: Mapping[str, str]
    config: str
    """The effective config, YAML."""
    commit: str
    made: str
    """Date and time."""


def read_models(manifests: Sequence[Path]) -> list[Model]:
    """What is told of each model by its folder's manifest.json."""
    models = []
    for path in manifests:
        told = json.loads(path.read_text())
        names = ("kind", "n_train", "parameters", "seconds")
        told_of = [told[name] for name in names]
        commit = (told["git_commit"] or "")[:10]
        models.append(Model(path.absolute().parent.name, *told_of, commit, told["versions"]))
    return models


def versions_of(models: Sequence[Model], here: Mapping[str, str]) -> dict[str, str]:
    """Versions of packages that models were made with, and ``here``; several where they differ."""
    told = defaultdict(dict)
    for versions in (here, *(model.versions for model in models)):
        for name, version in versions.items():
            told[name][version] = None
    return {name: ", ".join(versions) for name, versions in sorted(told.items())}


def grouped(
    exhibits: Sequence[Exhibit], captions: Mapping[tuple[str, str], Caption], folder: str
) -> list[Group]:
    """Exhibits by kind, in the order of the first of each; ``folder`` is that of the captions."""
    kinds = list(dict.fromkeys(each.kind for each in exhibits))
    ordered = sorted(exhibits, key=lambda each: kinds.index(each.kind))
    groups = []
    for kind, members in groupby(ordered, lambda each: each.kind):
        caption = captions.get((folder, kind), NO_CAPTION)
        groups.append(Group(caption.title or kind, caption.text, tuple(members)))
    return groups


def render(report: Report) -> str:
    """The page as HTML: no scripts, and nothing that is not in it."""
    templates = environment(autoescape=True)
    style = templates.loader.get_source(templates, "report.css")[0]
    page = templates.get_template("report.html.j2")
    return page.render(report=report, style=Markup(style), labels=PARAMETERS)
