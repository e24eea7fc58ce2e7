"""The manual as a site: complete, built without a warning, and without the network."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml
from processes import finish, started

from spectralm.labels.vocabulary import Targets
from spectralm.schemas import PREDICTIONS, SPECTRA, catalogue_columns, residual_columns
from spectralm.spectra.refusals import REASONS

#: Attributes that make a browser fetch a file, by tag; ordinary links do not.
FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class Fetched(HTMLParser):
    """URLs that a browser fetches for a page."""

    def __init__(self, page: str):
        super().__init__()
        self.urls: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in FETCHED and (url := dict(attrs).get(FETCHED[tag])):
            self.urls.append(url)


@pytest.fixture(scope="module")
def site(repository, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    finish(started(command, repository))
    return folder


def test_make_docs_runs_the_same_build(repository):
    assert "mkdocs build --strict" in (repository / "Makefile").read_text()


def test_nothing_is_fetched_from_the_network(site):
    pages = sorted(site.glob("*.html"))
    assert len(pages) > 15
    for page in pages:
        urls = Fetched(page.read_text()).urls
        assert urls
        assert not [url for url in urls if "//" in url], page.name
    for style in site.rglob("*.css"):
        assert not re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", style.read_text())


def test_every_column_is_documented(site):
    page = (site / "columns.html").read_text()
    asked = (Targets.PARAMETERS, Targets.ABUNDANCES)
    tables = [SPECTRA, PREDICTIONS, *map(residual_columns, asked), *map(catalogue_columns, asked)]
    for column in (column for table in tables for column in table):
        assert f"<code>{column.name}</code>" in page, column.name


def test_every_key_is_documented_with_its_value(repository, site):
    page = (site / "config_keys.html").read_text()
    schema = yaml.safe_load((repository / "workflow/schemas/config.schema.yaml").read_text())
    for part in (schema, *schema["$defs"].values()):
        for key in part["properties"]:
            assert f"<code>{key}</code>" in page, key
    config = yaml.safe_load((repository / "config" / "config.yaml").read_text())
    size = config["samples"]["shard_size"]
    assert re.search(rf"<code>shard_size</code></td>\s*<td>integer</td>\s*<td><code>{size}<", page)


def test_every_refusal_is_documented(site):
    page = (site / "cuts.html").read_text()
    assert all(f"<code>{reason}</code>" in page for reason in REASONS)
    assert "made from code" not in page
