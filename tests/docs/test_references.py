"""Files that the code and the manual refer to are in the repository."""

import re
from pathlib import Path

import pytest

#: A page, by its path or, in capitals, its name alone.
PAGE = re.compile(r"(?<![\w/])(docs/\w+\.md|[A-Z][A-Z_]+\.md)\b")
#: A chapter of a document by letter and number, such as B2.
CHAPTER = re.compile(r"\b[A-Z_]{4,}: [A-Z]\.?\d")
PLACES = ("src", "tests", "workflow", "bench", "config", "docs", "profiles", "resources")


@pytest.fixture(scope="module")
def texts(repository) -> dict[Path, str]:
    """All files written by hand."""
    kinds = {".py", ".smk", ".yaml", ".md", ".j2", ".rst", ".css"}
    files = [path for place in PLACES for path in (repository / place).rglob("*")]
    found = [path for path in files if path.suffix in kinds and path.is_file()]
    found += [repository / name for name in ("README.md", "Snakefile", "Makefile", "CHANGELOG.md")]
    return {path: path.read_text() for path in found}


def test_pages_that_are_named_exist(repository, texts):
    missing = {
        (path.relative_to(repository), page)
        for path, text in texts.items()
        for page in PAGE.findall(text)
        if not ((repository / page).is_file() or (path.parent / page).is_file())
    }
    assert len(texts) > 300
    assert not {(path, page) for path, page in missing if page != "README.md"}


def test_no_chapter_of_a_document_outside_the_repository(texts):
    assert not {match for text in texts.values() for match in CHAPTER.findall(text)}
