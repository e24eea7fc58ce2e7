"""Every table and figure of the workflow has a caption for people."""

import re


def test_every_table_and_figure_is_marked_for_the_report_and_has_a_caption(repository):
    rules = repository / "workflow" / "rules"
    made = set()
    for path in rules.glob("*.smk"):
        for line in path.read_text().splitlines():
            output = re.match(
                r' {8}(?:\w+=)?(shown\()?"results/(tables|figures)/([^"]+)\.(csv|png)"', line
            )
            if output and "expand" not in line and line.endswith("),"):
                assert output[1], f"{path.name}: {line.strip()} is not shown"
                kind = re.match("[a-z_]*", output[3])[0] or "external"
                made.add((output[2], kind))
    assert len(made) > 10
    for folder, kind in made:
        assert (repository / "workflow" / "report" / folder / f"{kind}.rst").is_file(), kind
