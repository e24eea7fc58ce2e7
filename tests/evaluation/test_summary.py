"""The page with everything on it."""

from spectralm.evaluation.summary import summary


def test_tables_in_full_and_figures_by_links_that_hold(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "figures").mkdir()
    table, figure = tmp_path / "tables" / "table2.md", tmp_path / "figures" / "scaling.png"
    table.write_text("Caption.\n\n| a |\n|---|\n| 1 |\n")
    figure.touch()
    page = summary("All synthetic.", [table], [figure], tmp_path / "summary.md")
    assert page.index("All synthetic.") < page.index("| 1 |")
    link = page.split("](")[1].split(")")[0]
    assert (tmp_path / link).is_file()
