"""Disk space of each stage of an experiment.

The sizes were measured on 525 real LAMOST spectra on the paper's grid (samples, spectra, questions)
and on 21,936 predictions of the demo.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from spectralm.config import Config, Run
from spectralm.labels.vocabulary import CLASSES
from spectralm.language.options import TextOptions
from spectralm.planning.architecture import Architecture
from spectralm.planning.dag import Dag
from spectralm.planning.memory import adapter_parameters
from spectralm.planning.tokens import Length

#: Bytes per spectrum: a row of a manifest, of predictions, of residuals; a gzipped question
#: without its flux.
SAMPLE, PREDICTION, RESIDUAL, QUESTION = 105, 60, 100, 40
#: Bytes per pixel: flux in Parquet, gzipped flux in each text, and flux and mask in a workspace.
FLUX = 0.83
WRITTEN = {"paper": 1.70, "compact": 1.24, "soft": 0}
MAPPED = 3
#: Bytes of the largest baseline, a ResNet-50.
BASELINE = 64e6
#: Bytes per weight of an adapter, and in two checkpoints with the moments of Adam.
WEIGHT, CHECKPOINTS = 4, 2 * 12


@dataclass(frozen=True)
class Disk:
    """Disk space of one stage."""

    stage: str
    bytes: float
    temporary: bool = False
    """Whether it is removed at the end of the training."""


def disk(
    config: Config,
    bases: Mapping[str, Architecture],
    lengths: Mapping[tuple[str, str], Length],
    dag: Dag,
) -> list[Disk]:
    """Disk space of all stages of an experiment.

    Args:
        config: The config.
        bases: Architectures of the base models, by language model.
        lengths: Lengths of the questions, by language model and text.
        dag: The jobs.
    """
    pixels = config.spectra.size
    sample = sum(max(config.scales(dataset)) for dataset in config.datasets)
    sample += config.samples.external * len(config.external)
    questions: Counter[str] = Counter()
    for dataset in config.datasets:
        runs = [run for run in config.runs_on(dataset) if run.model in config.llms]
        for text in {config.llms[run.model].text for run in runs}:
            scales = [run.scale for run in runs if config.llms[run.model].text == text]
            questions[text] += max(scales)
    shard = split_sizes(config, config.samples.shard_size)["test"]
    predicted = shard * sum(dag.predictions.values())
    llm_runs = [run for run in config.runs if run.model in bases]
    adapters = {
        run: adapter_parameters(bases[run.model], options, lengths[run.model, options.text])
        for run in llm_runs
        for options in [config.llms[run.model]]
    }
    baselines = sum(run.model in config.baselines for run in config.runs)

    def workspace(run: Run) -> float:
        spectra, options = split_sizes(config, run.scale)["train"], config.llms[run.model]
        words = lengths[run.model, options.text]
        mapped = MAPPED * words.pixels if options.read_in else 0
        return (words.characters + mapped) * spectra + CHECKPOINTS * adapters[run]

    return [
        Disk("samples", SAMPLE * sample),
        Disk("spectra", FLUX * pixels * sample),
        *(
            Disk(f"qa ({text})", _question(config, config.texts[text]) * spectra)
            for text, spectra in questions.items()
        ),
        Disk("models", WEIGHT * sum(adapters.values()) + BASELINE * baselines),
        Disk("predictions", PREDICTION * predicted),
        Disk("residuals", RESIDUAL * predicted),
        *(Disk(f"workspace of {run}", workspace(run), temporary=True) for run in llm_runs),
    ]


def _question(config: Config, text: TextOptions) -> float:
    """Bytes of a question."""
    return QUESTION + WRITTEN[text.flux] * (config.spectra.size // text.bin)


def split_sizes(config: Config, scale: int) -> dict[str, int]:
    """Number of spectra in each split, if there are enough spectra of every class."""
    shards, classes = config.samples.shards(scale), len(CLASSES)
    return {split: shards * classes * size for split, size in config.samples.quotas.items()}
