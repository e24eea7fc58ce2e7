"""The report: one HTML page with everything that an experiment has found, and how."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby

from markupsafe import Markup

from spectralm.evaluation.runs import Manifest
from spectralm.labels.vocabulary import PARAMETERS
from spectralm.report.items import Item
from spectralm.report.summary import ElementsRow, SummaryRow
from spectralm.report.templates import environment
from spectralm.report.timings import Timing


@dataclass(frozen=True)
class Group:
    """The items of one title, with a sentence on all of them."""

    title: str
    text: str
    items: tuple[Item, ...]

    @property
    def anchor(self) -> str:
        """Where links lead to."""
        return f"group-{self.items[0].anchor}"


@dataclass(frozen=True)
class Report:
    """What is on the page."""

    note: str
    """What a reader must know first, such as that the data are synthetic."""
    key: Sequence[SummaryRow]
    elements: Sequence[ElementsRow]
    models: Mapping[str, Manifest]
    """By run."""
    tables: Sequence[Group]
    figures: Sequence[Group]
    counts: Sequence[Item]
    """Cuts and rejects."""
    timings: Sequence[Timing]
    environment: Mapping[str, str]
    config: str
    """The effective config, YAML."""
    commit: str
    made: str
    """Date and time."""


def versions_of(models: Iterable[Manifest], here: Mapping[str, str]) -> dict[str, str]:
    """Versions of packages that models were made with, and ``here``; several where they differ."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for versions in (here, *(model.versions for model in models)):
        for name, version in versions.items():
            found[name][version] = None
    return {name: ", ".join(versions) for name, versions in sorted(found.items())}


def grouped(items: Sequence[Item]) -> list[Group]:
    """Group by title, in the order of the first of each."""
    titles = list(dict.fromkeys(each.title for each in items))
    ordered = sorted(items, key=lambda each: titles.index(each.title))
    groups = []
    for title, members in groupby(ordered, lambda each: each.title):
        same = tuple(members)
        text = same[0].text if len({each.text for each in same}) == 1 else ""
        groups.append(Group(title, text, same))
    return groups


def render(report: Report) -> str:
    """The page as HTML: no scripts, and nothing that is not in it."""
    templates = environment(autoescape=True)
    style = files("spectralm.report").joinpath("report.css").read_text()
    page = templates.get_template("report.html.j2")
    return page.render(report=report, style=Markup(style), labels=PARAMETERS)
