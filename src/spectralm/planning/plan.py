"""What a config asks for: spectra, jobs, disk, and its language models' GPU time and memory."""

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

#: Share of the GPU's memory that tensors may fill; the rest goes to fragmentation.
USABLE = 0.95
#: The rule that does a step.
RULES = {
    "train": "train_llm",
    "evaluate": "train_llm",
    "calibrate": "calibrate_llm",
    "predict": "predict_llm",
}
#: Bases that a training is planned with besides its own.
OTHERS = ("meta-llama/Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-3B-Instruct")


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
    """One step of a language model's run: arithmetic, not measured."""

    step: str
    """One of RULES; `evaluate` is in the course of a training."""
    run: str
    dataset: str
    """Whose spectra."""
    text: str
    chosen: bool
    """Whether this is the text that the config gives the model."""
    spectra: int
    """Passes over a spectrum: of several epochs or evaluations, each counts."""
    tokens: int
    """Of a question with its answer."""
    flops: float
    """Of the whole."""
    gpus: int
    memory: float
    """Bytes per GPU."""
    gpu_hours: float
    """At best."""
    gpu_hours_at_worst: float
    fits: bool

    @property
    def hours(self) -> tuple[float, float]:
        """From start to end, on all GPUs, at best and at worst."""
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
    """All that is told of a config."""

    gpu: Gpu
    samples: list[Sample]
    jobs: Mapping[str, int]
    disk: list[Disk]
    estimates: list[Estimate]
    largest: str | None
    """The run of the largest training."""
    alternatives: list[Alternative]
    """To that."""
    unplanned: list[str]
    """Language models that are run on the tiny base, which needs no GPU."""

    @property
    def gpu_hours_of_rules(self) -> dict[str, tuple[float, float]]:
        """At best and at worst, of what the config gives."""
        hours = dict.fromkeys(RULES.values(), (0.0, 0.0))
        for row in self.estimates:
            if row.chosen:
                best, worst = hours[RULES[row.step]]
                hours[RULES[row.step]] = best + row.gpu_hours, worst + row.gpu_hours_at_worst
        return hours


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
            config.targets("apogee" if config.llms[name].after else "lamost"),
        )
        for name in bases
        for text in config.texts
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
            for text in config.texts
            for estimate in _estimates(
                config, run, text, bases[run.model], lengths[run.model, text], dag, gpu
            )
        ],
        largest=largest and str(largest),
        alternatives=list(_alternatives(config, largest, lengths, gpu)) if largest else [],
        unplanned=[name for name in models if name not in bases],
    )


def _estimates(
    config: Config, run: Run, text: str, base: Architecture, words: Length, dag: Dag, gpu: Gpu
) -> Iterator[Estimate]:
    """A run's training and evaluations, if it is trained here; its calibration and predictions."""
    options, sizes = config.llms[run.model], split_sizes(config, run.scale)
    trained = options.training

    def estimate(step: str, spectra: int, work: Work, gpus: int, needed: float) -> Estimate:
        """``work`` is of all spectra; ``needed``: bytes on each GPU."""
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
        place = (trained.world_size, _training_memory(base, options, words))
        passes = round(trained.epochs * sizes["train"])
        yield estimate("train", passes, training(base, options, words, sizes["train"]), *place)
        # One evaluation before the first step, one at the end.
        scored = min(trained.evaluation_spectra, sizes["validation"]) * (trained.evaluations + 2)
        yield estimate("evaluate", scored, evaluation(base, options, words) * scored, *place)

    place = (1, prediction_memory(base, options, words.total).total)
    answered = prediction(base, options, words)
    calibrated = min(MOST_CALIBRATED, sizes["validation"])
    yield estimate("calibrate", calibrated, answered * calibrated, *place)
    for (name, dataset), shards in dag.predictions.items():
        if name == str(run):
            spectra = shards * split_sizes(config, config.samples.shard_size)["test"]
            predicted = estimate("predict", spectra, answered * spectra, *place)
            yield replace(predicted, dataset=dataset)


def _training_memory(base: Architecture, options: LlmOptions, words: Length) -> float:
    """Bytes on each GPU."""
    training = options.training
    sharded = training.world_size if training.zero3 else 1
    return training_memory(base, options, words.total, words.answer, sharded).total


def _alternatives(
    config: Config, run: Run, lengths: Mapping[tuple[str, str], Length], gpu: Gpu
) -> Iterator[Alternative]:
    options, spectra = config.llms[run.model], split_sizes(config, run.scale)["train"]
    for name in dict.fromkeys((*OTHERS, options.base)):
        base = architecture(name)
        for text in config.texts:
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
