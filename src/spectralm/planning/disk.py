"""Bytes on disk of each stage of an experiment.

Measured on 525 real LAMOST spectra on the paper's grid (samples, spectra, questions) and on the
demo's 21,936 predictions.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from spectralm.config import Config, Run
from spectralm.labels.vocabulary import CLASSES
from spectralm.planning.architecture import Architecture
from spectralm.planning.dag import Dag
from spectralm.planning.tokens import Length

#: Per spectrum: a row of a manifest, of predictions, of residuals.
SAMPLE, PREDICTION, RESIDUAL = 105, 60, 100
#: Per pixel: flux in Parquet, and gzipped questions in each spelling of flux.
FLUX = 0.83
QUESTION = {"paper": 1.70, "compact": 1.24}
#: The largest of the other models, a ResNet-50.
BASELINE = 64e6
#: An adapter's weight, and in a checkpoint with Adam's moments; two checkpoints are kept.
WEIGHT, CHECKPOINTS = 4, 2 * 12


@dataclass(frozen=True)
class Disk:
    """What one stage leaves on disk."""

    stage: str
    bytes: float
    temporary: bool = False
    """Gone when the training has ended."""


def disk(
    config: Config,
    bases: Mapping[str, Architecture],
    lengths: Mapping[tuple[str, str], Length],
    dag: Dag,
) -> list[Disk]:
    """All stages of an experiment.

    Args:
        bases: of the language models, by name.
        lengths: of their questions, by model and text.
    """
    pixels = config.spectra.size
    sample = sum(max(config.scales(dataset)) for dataset in config.datasets)
    sample += config.samples.external * len(config.external)
    asked = Counter()
    for dataset in config.datasets:
        runs = [run for run in config.runs_on(dataset) if run.model in config.llms]
        for text in {config.llms[run.model].text for run in runs}:
            asked[text] += max(run.scale for run in runs if config.llms[run.model].text == text)
    shard = split_sizes(config, config.samples.shard_size)["test"]
    predicted = shard * sum(dag.predictions.values())
    llm_runs = [run for run in config.runs if run.model in bases]
    adapters = {
        run: bases[run.model].lora_parameters(config.llms[run.model].lora.rank) for run in llm_runs
    }
    others = sum(run.model in config.baselines for run in config.runs)

    def workspace(run: Run) -> float:
        spectra = split_sizes(config, run.scale)["train"]
        text = lengths[run.model, config.llms[run.model].text].characters * spectra
        return text + CHECKPOINTS * adapters[run]

    return [
        Disk("samples", SAMPLE * sample),
        Disk("spectra", FLUX * pixels * sample),
        *(
            Disk(f"qa ({text})", QUESTION[config.texts[text].flux] * pixels * spectra)
            for text, spectra in asked.items()
        ),
        Disk("models", WEIGHT * sum(adapters.values()) + BASELINE * others),
        Disk("predictions", PREDICTION * predicted),
        Disk("residuals", RESIDUAL * predicted),
        *(Disk(f"workspace of {run}", workspace(run), temporary=True) for run in llm_runs),
    ]


def split_sizes(config: Config, scale: int) -> dict[str, int]:
    """Spectra in each split of a scale whose classes all suffice."""
    shards, classes = config.samples.shards(scale), len(CLASSES)
    return {split: shards * classes * size for split, size in config.samples.quotas.items()}
