"""What a config asks for: spectra, jobs, disk, and its language models' GPU time and memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from spectralm.config import Config, Run
from spectralm.llm.options import LlmOptions
from spectralm.planning import flops
from spectralm.planning.architecture import Architecture, architecture
from spectralm.planning.dag import Dag
from spectralm.planning.disk import Disk, disk, split_sizes
from spectralm.planning.gpus import Gpu
from spectralm.planning.memory import NF4, kv_cache, prediction_memory, training_memory
from spectralm.planning.tokens import Length, length

#: Share of the GPU's peak that a training of such a model is taken to reach.
UTILISATION = 0.4
#: Share of the GPU's memory that tensors may fill; the rest goes to fragmentation.
USABLE = 0.95
#: Bytes that move for a weight when one token is generated: NF4 is read, written out in bf16 and
#: read again; an unquantised base is float32.
MOVED = {True: NF4 + 4, False: 4}


@dataclass(frozen=True)
class Sample:
    """A scale of a dataset and what it is made of."""

    dataset: str
    scale: int
    shards: int
    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class Estimate:
    """The training of a language model, or its answers to its test questions."""

    step: str
    """train or predict"""
    run: str
    dataset: str
    """Whose spectra."""
    text: str
    chosen: bool
    """Whether this is the text that the config gives the model."""
    spectra: int
    tokens: int
    """Of a question with its answer."""
    flops: float
    """Of the whole."""
    gpus: int
    memory: float
    """Bytes per GPU."""
    gpu_hours: float = 0.0
    fits: bool = False

    @property
    def hours(self) -> float:
        """From start to end, on all GPUs."""
        return self.gpu_hours / self.gpus


@dataclass(frozen=True)
class Plan:
    """All that is told of a config."""

    gpu: Gpu
    utilisation: float
    samples: list[Sample]
    jobs: Mapping[str, int]
    disk: list[Disk]
    estimates: list[Estimate]
    unplanned: list[str]
    """Language models that are run on the tiny base, which needs no GPU."""


def plan(config: Config, dag: Dag, gpu: Gpu) -> Plan:
    """Everything about an experiment on a kind of GPU.

    Raises:
        InputError: a base model's sizes are not known.
    """
    models = [name for name in config.run_models if name in config.llms]
    bases = {
        name: architecture(config.llms[name].base)
        for name in models
        if config.llms[name].base != "tiny"
    }
    lengths = {
        (name, text): length(
            config.llms[name],
            config.texts[text],
            config.spectra.grid,
            config.ask("apogee" if config.llms[name].after else "lamost"),
        )
        for name in bases
        for text in config.texts
    }
    samples = [
        Sample(dataset, scale, config.samples.shards(scale), **split_sizes(config, scale))
        for dataset in config.datasets
        for scale in config.scales(dataset)
    ]
    estimates = [
        estimate
        for run in config.runs
        if run.model in bases
        for text in config.texts
        for estimate in _estimates(
            config, run, text, bases[run.model], lengths[run.model, text], dag
        )
    ]
    return Plan(
        gpu=gpu,
        utilisation=UTILISATION,
        samples=samples,
        jobs=dag.jobs,
        disk=disk(config, bases, lengths, dag),
        estimates=[_timed(gpu, *estimate) for estimate in estimates],
        unplanned=[name for name in models if name not in bases],
    )


def _estimates(
    config: Config, run: Run, text: str, base: Architecture, words: Length, dag: Dag
) -> Iterator[tuple[Estimate, float]]:
    """A run's training and predictions, without their time; and the bytes that each moves."""
    options = config.llms[run.model]
    training = options.training
    sizes = split_sizes(config, run.scale)
    gpus = training.processes * training.nodes
    memory = training_memory(
        base, options, words.total, words.answer, sharded=gpus if training.zero3 else 1
    )
    trained = Estimate(
        step="train",
        run=str(run),
        dataset=run.dataset,
        text=text,
        chosen=text == options.text,
        spectra=sizes["train"],
        tokens=words.total,
        flops=_training_flops(options, base, words, sizes),
        gpus=gpus,
        memory=memory.total,
    )
    yield trained, 0.0
    prefill = flops.forward(base, options.lora.rank, words.question, 1).total
    for (name, dataset), shards in dag.predictions.items():
        if name == str(run):
            spectra = shards * split_sizes(config, config.samples.shard_size)["test"]
            predicted = replace(
                trained,
                step="predict",
                dataset=dataset,
                spectra=spectra,
                flops=spectra * prefill,
                gpus=1,
                memory=prediction_memory(base, options, words.total).total,
            )
            yield predicted, spectra * _bytes_moved(options, base, words)


def _training_flops(
    options: LlmOptions, base: Architecture, words: Length, sizes: Mapping[str, int]
) -> float:
    """A training with its evaluations, each a loss and an answer per validation spectrum."""
    rank, training = options.lora.rank, options.training
    step = flops.training(
        base, rank, words.total, words.answer, training.gradient_checkpointing
    ).total
    once = flops.forward(base, rank, words.total, words.answer + 1).total
    scored = min(training.evaluation_spectra, sizes["validation"]) * (training.evaluations + 1)
    return training.epochs * sizes["train"] * step + 2 * scored * once


def _bytes_moved(options: LlmOptions, base: Architecture, words: Length) -> float:
    """To and from the GPU's memory while one answer is generated in its batch."""
    moved = base.linear_parameters * MOVED[options.quantise] / options.generation.batch_size
    return words.answer * (moved + kv_cache(base, words.total))


def _timed(gpu: Gpu, estimate: Estimate, moved: float) -> Estimate:
    seconds = estimate.flops / (UTILISATION * gpu.flops) + moved / gpu.bandwidth
    fits = estimate.memory <= USABLE * gpu.memory
    return replace(estimate, gpu_hours=seconds / 3600, fits=fits)
