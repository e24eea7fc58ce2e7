"""Cards in the form of Hugging Face: of an adapter, and of questions and answers."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from spectralm.evaluation.render import NOTHING, number
from spectralm.evaluation.runs import RunName
from spectralm.evaluation.statistics import median_and_sigma
from spectralm.files import read_parquet
from spectralm.labels.vocabulary import Label, Targets
from spectralm.language.records import FEATURES
from spectralm.report.templates import environment
from spectralm.spectra.options import SpectraOptions

SPLITS = ("train", "validation", "test")

#: How plain PEFT loads an adapter; a test runs it.
LOADING = """from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
base = AutoModelForCausalLM.from_pretrained("{base}")
tokenizer = AutoTokenizer.from_pretrained("{base}")
model = PeftModel.from_pretrained(base, "{run}")"""


@dataclass(frozen=True)
class Metric:
    """Residuals of one label, as text."""

    label: Label
    n: int
    mean: str
    sigma: str
    mad_sigma: str


def metrics(residuals: pa.Table, targets: Targets) -> list[Metric]:
    """Metrics of every label with an answer; ``residuals`` are of ``targets``."""
    found = []
    for label in targets.labels:
        values = residuals[f"{label.name}_residual"].drop_null().to_numpy()
        if len(values):
            moments = (values.mean(), values.std(), median_and_sigma(values)[1])
            found.append(Metric(label, len(values), *(number(value, label) for value in moments)))
    return found


def model_card(
    run: str,
    adapter: Mapping[str, Any],
    manifest: Mapping[str, Any],
    residuals: pa.Table,
    grid: SpectraOptions,
    note: str,
) -> str:
    """The README.md of a run's folder.

    Args:
        run: its name.
        adapter: adapter_config.json.
        manifest: manifest.json.
        residuals: of the test spectra of the run's own dataset.
        grid: of the spectra.
        note: what a reader must know first; where there is one, the data are synthetic.
    """
    dataset = RunName.of(run).dataset
    targets = Targets(manifest["targets"])
    base = adapter["base_model_name_or_path"]
    hub = is_hub_id(base)
    card = {name: manifest[name] for name in ("n_train", "n_validation", "parameters", "seconds")}
    card |= {
        "run": run,
        "dataset": dataset,
        "note": note,
        "synthetic": bool(note),
        "base": base,
        "hub": hub,
        "code": LOADING.format(base=base, run=f"results/models/{run}"),
        "answers": ", ".join(_answered(targets)),
        "start": f"{grid.grid[0]:g}",
        "stop": f"{grid.grid[-1]:g}",
        "pixels": len(grid.grid),
        "n_test": len(residuals),
        "n_unparsed": sum(status != "parsed" for status in residuals["status"].to_pylist()),
        "metrics": metrics(residuals, targets),
        "correct": _correct(residuals) if targets == Targets.PARAMETERS else None,
        "weights": manifest["adapter_sha256"],
        "commit": manifest["git_commit"] or NOTHING,
        "versions": manifest["versions"],
    }
    front = {
        "library_name": "peft",
        "pipeline_tag": "text-generation",
        "license": "other" if hub else "mit",
        "tags": ["astronomy", "stellar-spectra", "lamost", "lora", "spectralm"],
    }
    if hub:
        front = {"base_model": base, **front}
    return (
        environment(autoescape=False)
        .get_template("model_card.md.j2")
        .render(card=card, front=front)
    )


def is_hub_id(base: str) -> bool:
    """Whether a base is named as on a hub, ``owner/name``, and is no folder."""
    return bool(re.fullmatch(r"[\w.-]+/[\w.-]+", base)) and not Path(base).exists()


def _correct(residuals: pa.Table) -> str:
    """Fraction of the test spectra with the correct class."""
    right = pc.fill_null(pc.equal(residuals["class"], residuals["predicted_class"]), False)
    return f"{pc.mean(right).as_py():.1%}"


def _answered(targets: Targets) -> list[str]:
    names = [label.text for label in targets.labels]
    return ["the spectral class", *names] if targets == Targets.PARAMETERS else names


@dataclass(frozen=True)
class Questions:
    """What is asked in one spelling of one dataset: a configuration of its card."""

    targets: str
    text: str
    count: Mapping[str, int]
    """By split."""

    @property
    def name(self) -> str:
        """As a user of the data set gives it."""
        return f"{self.targets}-{self.text}"


def count_questions(
    samples: Sequence[Path], spectra: Sequence[Path], rejects: Sequence[Path]
) -> list[Questions]:
    """The configurations of a dataset, in the order of the rejects, and how large they are.

    The questions are not read: they are the sample's spectra that no step refused.

    Args:
        samples: manifests.
        spectra: spectra shards of the same names.
        rejects: ``{shard}.{targets}.{text}.rejects.parquet``, beside the questions.
    """
    drawn = {path.stem: path for path in samples}
    read = {path.stem: path for path in spectra}
    found: dict[tuple[str, str], Counter[str]] = {}
    for path in rejects:
        shard, targets, text, *_ = path.name.split(".")
        sample = read_parquet(drawn[shard], ["obsid", "split"])
        there = pc.is_in(sample["obsid"], read_parquet(read[shard], ["obsid"])["obsid"])
        refused = pc.is_in(sample["obsid"], read_parquet(path, ["obsid"])["obsid"])
        splits = sample.filter(pc.and_not(there, refused))["split"].to_pylist()
        found.setdefault((targets, text), Counter()).update(splits)
    return [Questions(*name, count) for name, count in found.items()]


def dataset_card(dataset: str, configs: Sequence[Questions], note: str) -> str:
    """The README.md of a folder of questions; ``note`` is as for :func:`model_card`."""
    front = {
        "license": "other",
        "tags": ["astronomy", "stellar-spectra", "lamost", "spectralm"],
        "dataset_info": [{"config_name": config.name, "features": FEATURES} for config in configs],
        "configs": [
            {
                "config_name": config.name,
                "data_files": [
                    {"split": split, "path": f"{split}/*.{config.targets}.{config.text}.jsonl.gz"}
                    for split in SPLITS
                ],
            }
            for config in configs
        ],
    }
    return (
        environment(autoescape=False)
        .get_template("dataset_card.md.j2")
        .render(front=front, dataset=dataset, configs=configs, note=note)
    )
