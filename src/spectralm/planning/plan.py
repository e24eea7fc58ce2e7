"""What an experiment needs: spectra, jobs, disk, and GPU time and memory of language models."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from spectralm.config import Config, Run
from spectralm.llm.answering import MOST_CALIBRATED
from spectralm.llm.options import LlmOptions
from spectralm.planning.architecture import Architecture, architecture
from spectralm.planning.dag import Dag
from spectralm.planning.disk import Disk, disk, split_sizes
from spectralm.planning.gpus import Gpu
from spectralm.planning.memory import prediction_memory, training_memory
from spectralm.planning.tokens import Length, length
from spectralm.planning.work import Work, evaluation, prediction, training

#: Fraction of the GPU's memory that tensors may use; the rest is lost to fragmentation.
USABLE = 0.95
#: The rule of each step.
RULES = {
    "train": "train_llm",
    "evaluate": "train_llm",
    "calibrate": "calibrate_llm",
    "predict": "predict_llm",
}
#: Further base models for which a training is planned.
OTHERS = ("meta-llama/Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-3B-Instruct")


@dataclass(frozen=True)
class Sample:
    """The sample of a scale of a dataset: numbers of shards and of spectra."""

    dataset: str
    scale: int
    shards: int
    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class Estimate:
    """Estimate of one step of a language model's run."""

    step: str
    """One of RULES; `evaluate` is part of a training."""
    run: str
    dataset: str
    """The dataset of the spectra."""
    text: str
    chosen: bool
    """Whether this is the model's text in the config."""
    spectra: int
    """Number of passes over a spectrum, in all epochs or evaluations."""
    tokens: int
    """Length of a question with its answer."""
    flops: float
    """Total number of operations."""
    gpus: int
    memory: float
    """Bytes per GPU."""
    gpu_hours: float
    """At best."""
    gpu_hours_at_worst: float
    fits: bool
    """Whether the memory of the GPU is large enough."""

    @property
    def hours(self) -> tuple[float, float]:
        """Wall time on all GPUs, at best and at worst."""
        return self.gpu_hours / self.gpus, self.gpu_hours_at_worst / self.gpus


@dataclass(frozen=True)
class Alternative:
    """The largest training with another base or text, with gradient checkpointing or without."""

    base: str
    text: str
    checkpointing: bool
    gpu_hours: tuple[float, float]
    memory: float
    fits: bool


@dataclass(frozen=True)
class Plan:
    """Everything that an experiment needs."""

    gpu: Gpu
    samples: list[Sample]
    jobs: Mapping[str, int]
    disk: list[Disk]
    estimates: list[Estimate]
    largest: str | None
    """The run of the largest training."""
    alternatives: list[Alternative]
    """Alternatives to the largest training."""
    unplanned: list[str]
    """Language models with the tiny base, which needs no GPU."""

    @property
    def gpu_hours_of_rules(self) -> dict[str, tuple[float, float]]:
        """GPU-hours of each rule with the texts in the config, at best and at worst."""
        hours = dict.fromkeys(RULES.values(), (0.0, 0.0))
        for row in self.estimates:
            if row.chosen:
                best, worst = hours[RULES[row.step]]
                hours[RULES[row.step]] = best + row.gpu_hours, worst + row.gpu_hours_at_worst
        return hours


def plan(config: Config, dag: Dag, gpu: Gpu) -> Plan:
    """Plan an experiment on a kind of GPU.

    Args:
        config: The config.
        dag: Its jobs.
        gpu: The GPU.

    Raises:
        InputError: The dimensions of a base model are not known.
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
            config.targets("apogee" if config.llms[name].after else "lamost"),
        )
        for name in bases
        for text in _texts(config, name)
    }
    samples = [
        Sample(dataset, scale, config.samples.shards(scale), **split_sizes(config, scale))
        for dataset in config.datasets
        for scale in config.scales(dataset)
    ]
    runs = [run for run in config.runs if run.model in bases]
    trained = [run for run in runs if config.llms[run.model].adapter is None]
    largest = max(trained, key=lambda run: run.scale, default=None)
    return Plan(
        gpu=gpu,
        samples=samples,
        jobs=dag.jobs,
        disk=disk(config, bases, lengths, dag),
        estimates=[
            estimate
            for run in runs
            for text in _texts(config, run.model)
            for estimate in _estimates(
                config, run, text, bases[run.model], lengths[run.model, text], dag, gpu
            )
        ],
        largest=str(largest) if largest else None,
        alternatives=list(_alternatives(config, largest, lengths, gpu)) if largest else [],
        unplanned=[name for name in models if name not in bases],
    )


def _texts(config: Config, model: str) -> list[str]:
    """The texts that a model could have: those for its read-in, or those with written flux."""
    soft = config.llms[model].read_in is not None
    return [name for name, text in config.texts.items() if (text.flux == "soft") == soft]


def _estimates(
    config: Config, run: Run, text: str, base: Architecture, words: Length, dag: Dag, gpu: Gpu
) -> Iterator[Estimate]:
    """Training and evaluations of a run, if it is trained; its calibration and predictions."""
    options, sizes = config.llms[run.model], split_sizes(config, run.scale)
    trained = options.training

    def estimate(step: str, spectra: int, work: Work, gpus: int, needed: float) -> Estimate:
        """``work`` is the total of all spectra; ``needed`` is in bytes per GPU."""
        best, worst = work.gpu_hours(gpu)
        return Estimate(
            step=step,
            run=str(run),
            dataset=run.dataset,
            text=text,
            chosen=text == options.text,
            spectra=spectra,
            tokens=words.total,
            flops=work.flops,
            gpus=gpus,
            memory=needed,
            gpu_hours=best,
            gpu_hours_at_worst=worst,
            fits=needed <= USABLE * gpu.memory,
        )

    if options.adapter is None:
        gpus, memory = trained.world_size, _training_memory(base, options, words)
        passes = round(trained.epochs * sizes["train"])
        work = training(base, options, words, sizes["train"])
        yield estimate("train", passes, work, gpus, memory)
        # In addition, one evaluation before the first step and one at the end.
        scored = min(trained.evaluation_spectra, sizes["validation"]) * (trained.evaluations + 2)
        work = evaluation(base, options, words) * scored
        yield estimate("evaluate", scored, work, gpus, memory)

    memory = prediction_memory(base, options, words).total
    answer = prediction(base, options, words)
    calibrated = min(MOST_CALIBRATED, sizes["validation"])
    yield estimate("calibrate", calibrated, answer * calibrated, 1, memory)
    for (name, dataset), shards in dag.predictions.items():
        if name == str(run):
            spectra = shards * split_sizes(config, config.samples.shard_size)["test"]
            predicted = estimate("predict", spectra, answer * spectra, 1, memory)
            yield replace(predicted, dataset=dataset)


def _training_memory(base: Architecture, options: LlmOptions, words: Length) -> float:
    """Bytes per GPU."""
    training = options.training
    sharded = training.world_size if training.zero3 else 1
    return training_memory(base, options, words, sharded).total


def _alternatives(
    config: Config, run: Run, lengths: Mapping[tuple[str, str], Length], gpu: Gpu
) -> Iterator[Alternative]:
    options, spectra = config.llms[run.model], split_sizes(config, run.scale)["train"]
    for name in dict.fromkeys((*OTHERS, options.base)):
        base = architecture(name)
        for text in _texts(config, run.model):
            words = lengths[run.model, text]
            for checkpointing in (True, False):
                changed = _with_checkpointing(options, checkpointing)
                memory = _training_memory(base, changed, words)
                yield Alternative(
                    base=name,
                    text=text,
                    checkpointing=checkpointing,
                    gpu_hours=training(base, changed, words, spectra).gpu_hours(gpu),
                    memory=memory,
                    fits=memory <= USABLE * gpu.memory,
                )


def _with_checkpointing(options: LlmOptions, checkpointing: bool) -> LlmOptions:
    training = options.training.model_copy(update={"gradient_checkpointing": checkpointing})
    return options.model_copy(update={"training": training})
