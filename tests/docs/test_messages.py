"""Messages and reasons that the manual quotes are still those of the code."""

import ast
import re

import pytest

QUOTED = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
#: Messages of other programs start here.
OTHERS = "## From Snakemake"


@pytest.fixture(scope="module")
def texts(repository) -> list[str]:
    """All texts of the code and the workflow, with an ellipsis for each inserted value."""
    files = [*(repository / "src" / "spectralm").rglob("*.py")]
    found = [text for file in files for text in texts_of(ast.parse(file.read_text()))]
    return [*found, with_ellipses((repository / "workflow/functions/surveys.smk").read_text())]


def texts_of(tree: ast.Module) -> list[str]:
    joined = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    plain = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    parts = [[getattr(part, "value", "…") for part in node.values] for node in joined]
    spelled = ["".join(p if isinstance(p, str) else "…" for p in part) for part in parts]
    return [" ".join(text.split()) for text in (*plain, *spelled) if isinstance(text, str)]


def with_ellipses(text: str) -> str:
    return re.sub(r"\{[^}]*\}", "…", text)


def quoted(page: str) -> list[str]:
    return QUOTED.findall(page.partition(OTHERS)[0])


def test_quoted_messages_are_in_the_code(repository, texts):
    messages = quoted((repository / "docs" / "troubleshooting.md").read_text())
    assert len(messages) > 30
    missing = [m for m in messages if not any(m.strip("…") in text for text in texts)]
    assert not missing


def test_quoted_reasons_are_in_the_code(repository, texts):
    reasons = quoted((repository / "docs" / "cuts.md").read_text())
    assert len(reasons) > 15
    assert set(reasons) <= set(texts)


def test_every_cut_of_the_catalogue_is_documented(repository):
    page = (repository / "docs" / "cuts.md").read_text()
    source = (repository / "src/spectralm/surveys/catalogue.py").read_text()
    cuts = re.findall(r"cuts\.cut\(\s*f?\"([^\"]+)\"", source)
    assert len(cuts) >= 8
    for reason in cuts:
        assert f"`{with_ellipses(reason)}`" in page
