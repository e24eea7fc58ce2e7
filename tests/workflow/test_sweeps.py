"""What each step of a sweep makes again: the table of docs/sweeps.md, row by row."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from workflow.experiment import Experiment

pytestmark = pytest.mark.slow

#: The table's columns, and how the names of the rules that they count begin.
COLUMNS = {
    "catalogue, sample": ("index_", "build_", "assign_"),
    "shards": ("draw_", "resample_"),
    "questions": ("write_questions",),
    "trainings": ("make_tiny_base", "train_"),
    "errors, flags": ("calibrate_", "describe_"),
    "predictions": ("predict_",),
    "residuals": ("compute_residuals",),
    "tables": ("tabulate_",),
    "catalogues, cards": ("write_catalogue", "write_model_card", "write_dataset_card"),
    "figures, report": ("plot_", "write_report"),
}


def more_models(config: dict, name: str, model: dict) -> None:
    config["models"][name] = model
    config["experiment"][0]["models"].append(name)


def another_scale(config: dict) -> None:
    config["experiment"][0]["scales"].append(40)


def another_baseline(config: dict) -> None:
    more_models(config, "trees", {"kind": "lightgbm", "rounds": 5})


def another_llm(config: dict) -> None:
    tiny = config["models"]["tiny"]
    more_models(config, "fast", tiny | {"training": tiny["training"] | {"learning_rate": 0.004}})


def another_text(config: dict) -> None:
    more_models(config, "spaced", config["models"]["tiny"] | {"text": "paper"})


def another_spelling(config: dict) -> None:
    config["texts"] = {"compact": {"marker_every": 10}}


def learning_rate(config: dict) -> None:
    config["models"]["tiny"]["training"]["learning_rate"] = 0.001


def watching_and_sharing(config: dict) -> None:
    config["models"]["tiny"]["training"] |= {
        **{"evaluations": 3, "evaluation_spectra": 3, "evaluation_batch_size": 3},
        **{"checkpoints": 3, "batch_size": 1, "processes": 2, "accumulation": 2},
        **{"gradient_checkpointing": False, "zero3": True},
    }


def reading(config: dict) -> None:
    config["models"]["tiny"]["generation"]["reading"] = "expected"


def resamples(config: dict) -> None:
    config["evaluation"]["resamples"] = 60


CONFIGS: dict[str, Callable[[dict], None]] = {
    "one more scale, 40 spectra": another_scale,
    "one more baseline, at the same scale": another_baseline,
    "one more language model, its text already there": another_llm,
    "one more language model, with a text of its own": another_text,
    "how a text is spelled": another_spelling,
    "a training hyper-parameter of the language model": learning_rate,
    "how often it is evaluated and saved, and on how many GPUs it trains": watching_and_sharing,
    "how its answers are read": reading,
    "the number of bootstrap resamples": resamples,
}
VOCABULARY = "src/spectralm/labels/vocabulary.py"
STYLE = "src/spectralm/evaluation/spectralm.mplstyle"


@pytest.fixture
def changed(experiment: Experiment):
    """Files of the experiment as they were, after a test that changes them."""
    kept: dict[Path, bytes] = {}

    def change(path: str, new: Callable[[str], str]) -> None:
        file = experiment.folder / path
        kept[file] = file.read_bytes()
        file.write_text(new(file.read_text()))

    yield change
    for file, content in kept.items():
        file.write_bytes(content)


@pytest.fixture(scope="module")
def written(repository) -> list[str]:
    """The lines of the page."""
    return (repository / "docs" / "sweeps.md").read_text().splitlines()


def row(change: str, to_do: dict[str, int]) -> str:
    """A line of the table; a rule without a column is an error."""
    jobs = {rule: count for rule, count in to_do.items() if rule not in ("tables", "figures")}
    counts = [
        sum(count for rule, count in jobs.items() if rule.startswith(begins))
        for begins in COLUMNS.values()
    ]
    assert sum(counts) == sum(jobs.values()), jobs
    return f"| {change} | {' | '.join(str(count or '') for count in counts)} |"


def test_the_tables_head(written):
    assert f"| what is changed | {' | '.join(COLUMNS)} |" in written


@pytest.mark.parametrize("change", CONFIGS)
def test_a_changed_config(experiment, changed, written, change):
    def edited(text: str) -> str:
        config = yaml.safe_load(text)
        CONFIGS[change](config)
        return yaml.safe_dump(config)

    changed("mine.yaml", edited)
    assert row(change, experiment.to_do()) in written


def test_a_comment_in_every_module(experiment, changed, written):
    for file in (experiment.folder / "src" / "spectralm").rglob("*.py"):
        changed(str(file.relative_to(experiment.folder)), lambda text: text + "\n# A comment.\n")
    assert row("a comment in any module", experiment.to_do()) in written


def test_the_style_of_figures(experiment, changed, written):
    changed(STYLE, lambda text: text.replace("font.size: 8", "font.size: 9"))
    assert row("the figures' style", experiment.to_do()) in written


def test_one_more_element(second_stage, written):
    try:
        second_stage.edit("mine.yaml", "- NI\n", "- NI\n- CU\n")
        assert row("one more of `elements`, in both stages", second_stage.to_do()) in written
    finally:
        second_stage.edit("mine.yaml", "- NI\n- CU\n", "- NI\n")


def test_one_more_element_of_the_vocabulary(experiment, changed, written):
    changed(VOCABULARY, lambda text: text.replace('"CU", "CE")', '"CU", "CE", "EU")'))
    assert row("one more element, in the code's vocabulary", experiment.to_do()) in written


def test_tables_and_figures_alone(experiment, written):
    results = experiment.folder / "results"
    for name in ("tables", "figures"):
        (results / name).rename(results / f"{name}.kept")
    to_do = experiment.to_do("tables", "figures")
    for name in ("tables", "figures"):
        (results / f"{name}.kept").rename(results / name)
    assert row("deleted tables and figures, `snakemake tables figures`", to_do) in written
