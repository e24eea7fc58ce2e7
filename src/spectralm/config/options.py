"""The keys of the config, and the checks that options of different wings fit together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Self, Union

from pydantic import Field, PositiveInt, field_validator, model_validator

from spectralm.baselines.options import BaselineOptions
from spectralm.baselines.registry import BASELINES
from spectralm.evaluation.options import EvaluationOptions
from spectralm.labels.vocabulary import PARAMETERS, SPECIES, Targets
from spectralm.language.options import TextOptions
from spectralm.llm.options import ANSWER_ROOM, WIDTHS, LlmOptions, TinyOptions
from spectralm.mock.options import SkyOptions
from spectralm.options import Options
from spectralm.samples.options import SampleOptions
from spectralm.spectra.options import SpectraOptions
from spectralm.surveys.options import (
    ApogeeOptions,
    CrossmatchOptions,
    GaiaEsoOptions,
    GalahOptions,
    LamostCuts,
    LamostPaths,
)

if TYPE_CHECKING:
    AnyModel = LlmOptions | BaselineOptions
    Species = str
else:  # known only at run time
    AnyModel = Annotated[
        Union[LlmOptions, *map(BASELINES.options_class, BASELINES.names())],
        Field(discriminator="kind"),
    ]
    Species = Literal[SPECIES]


class Lamost(LamostPaths):
    """LAMOST spectra and their catalogue."""

    cuts: LamostCuts = LamostCuts()
    """Which rows of the catalogues are used."""


class Surveys(Options):
    """The surveys' files on this machine."""

    lamost: Lamost
    """LAMOST low-resolution spectra and stellar catalogues."""

    apogee: ApogeeOptions = ApogeeOptions()
    """APOGEE's labels of LAMOST's stars."""

    galah: GalahOptions = GalahOptions()
    """GALAH's labels of LAMOST's stars."""

    gaia_eso: GaiaEsoOptions = GaiaEsoOptions()
    """Gaia-ESO's labels of LAMOST's stars."""

    crossmatch: CrossmatchOptions = CrossmatchOptions()
    """How stars of these surveys are matched with LAMOST's."""

    @property
    def others(self) -> dict[str, str]:
        """The catalogue of each survey other than LAMOST that is used, by the dataset's name."""
        catalogues = {
            "apogee": self.apogee.catalogue,
            "galah": self.galah.catalogue,
            "gaia_eso": self.gaia_eso.catalogue,
        }
        return {name: path for name, path in catalogues.items() if path is not None}


class Grid(Options):
    """A grid of runs: each model at each scale."""

    dataset: Literal["lamost", "apogee"] = "lamost"
    """The labels that models are trained on: `lamost`, class, Teff, log g and [Fe/H] (stage 1);
    `apogee`, abundances (stage 2)."""

    models: list[str] = Field(min_length=1)
    """Names of entries of `models`."""

    scales: list[PositiveInt] = Field(min_length=1)
    """Numbers of spectra, training and test together; each is a multiple of the shard size."""


class Config(Options):
    """An experiment from the surveys' files to tables and figures."""

    surveys: Surveys
    """The surveys' files, and how they are read."""

    samples: SampleOptions = SampleOptions()
    """How spectra are sampled and split."""

    spectra: SpectraOptions = SpectraOptions()
    """How spectra are masked, normalised and resampled."""

    texts: dict[str, TextOptions] = Field(default={"paper": TextOptions()})
    """Ways of writing questions and answers, by name."""

    elements: list[Species] = Field(default=list(SPECIES), min_length=1)
    """Species whose abundances models of stage 2 predict, as APOGEE spells them."""

    mock: SkyOptions = SkyOptions()
    """The synthetic sky that `make_sky` writes into results/sky, for users without data."""

    tiny: TinyOptions = TinyOptions()
    """The small random base model, for models with `base: tiny`."""

    models: dict[str, AnyModel]
    """Models, by name; names are part of paths: lower-case letters, digits and underscores."""

    experiment: list[Grid] = Field(min_length=1)
    """Which models are run on how many spectra: the runs of all entries."""

    evaluation: EvaluationOptions = EvaluationOptions()
    """How residuals are summarised."""

    workspaces: str = "workspaces"
    """Folder of unfinished trainings, from which they continue after an interruption."""

    @field_validator("elements")
    @classmethod
    def _in_order(cls, elements: list[str]) -> list[str]:
        return [species for species in SPECIES if species in elements]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for error in self._errors():
            raise ValueError(error)
        return self

    def _errors(self) -> Iterator[str]:
        for number, grid in enumerate(self.experiment):
            yield from self._grid_errors(f"experiment.{number}", grid)
        for run in self.evaluation.failed.keys() - set(map(str, self._all_runs)):
            yield f"evaluation.failed: {run!r} is no run of the experiment"
        for name in (*self.models, *self.texts):
            if not (name.isascii() and name.replace("_", "").isalnum() and name.islower()):
                yield f"{name!r}: names are of lower-case letters, digits and underscores"
        for name, model in self.llms.items():
            yield from self._llm_errors(name, model)
        yield from self._text_errors()
        yield from self._bin_errors()
        if self.samples.external % self.samples.shard_size:
            yield f"samples.external: no multiple of shard_size = {self.samples.shard_size}"

    def _bin_errors(self) -> Iterator[str]:
        binned = {f"texts.{name}": text.bin for name, text in self.texts.items()}
        binned |= {f"models.{name}": model.bin for name, model in self.baselines.items()}
        for key, width in binned.items():
            if width > self.spectra.size:
                yield f"{key}.bin: {width} grid points, but spectra have {self.spectra.size}"

    def _text_errors(self) -> Iterator[str]:
        names = {label.name for label in PARAMETERS}
        for name, text in self.texts.items():
            if text.decimals.keys() != names:
                yield f"texts.{name}.decimals: give each of {', '.join(sorted(names))}"

    def _grid_errors(self, key: str, grid: Grid) -> Iterator[str]:
        if grid.dataset == "apogee" and self.surveys.apogee.catalogue is None:
            yield f"{key}.dataset: give surveys.apogee.catalogue, or leave this out"
        for scale in grid.scales:
            if scale % self.samples.shard_size:
                yield (
                    f"{key}.scales: {scale} is no multiple of samples.shard_size = "
                    f"{self.samples.shard_size}; change one of them"
                )
        for name in grid.models:
            if name not in self.models:
                yield f"{key}.models: {name!r} is not in models ({', '.join(self.models)})"
            elif (
                name in self.llms
                and self.llms[name].adapter is None
                and (self.llms[name].after is None) != (grid.dataset == "lamost")
            ):
                yield (
                    f"{key}.models: {name!r} cannot be trained on {grid.dataset}; language models "
                    "with `after` are trained on apogee, those without on lamost"
                )
            elif self.models[name].kind == "from_parameters" and grid.dataset == "lamost":
                yield f"{key}.models: {name!r} starts from lamost's labels; run it on apogee"

    def _llm_errors(self, name: str, model: LlmOptions) -> Iterator[str]:
        key = f"models.{name}"
        if model.training.answer_only_layer and model.attention != "sdpa":
            yield f"{key}.attention: training.answer_only_layer needs sdpa; leave one of them out"
        if model.training.zero3 and model.lora.train_embeddings:
            yield f"{key}.training.zero3: not with lora.train_embeddings; leave one of them out"
        yield from self._text_of_model_errors(key, model)
        learned = model.base == "tiny" and self.tiny.positions == "learned"
        if learned and self.tiny.context < model.max_tokens + ANSWER_ROOM:
            yield (
                f"tiny.context: learned positions need room for the answers, {ANSWER_ROOM} tokens, "
                f"after {key}.max_tokens = {model.max_tokens}"
            )
        if model.after is not None and model.adapter is None and name in self.run_models:
            yield from self._after_errors(f"{key}.after", model)

    def _text_of_model_errors(self, key: str, model: LlmOptions) -> Iterator[str]:
        if model.text not in self.texts:
            yield f"{key}.text: {model.text!r} is not in texts ({', '.join(self.texts)})"
            return
        text = self.texts[model.text]
        if (text.flux == "soft") != (model.read_in is not None):
            yield (
                f"{key}.read_in: texts.{model.text} has `flux: {text.flux}`; a model has a read-in "
                "if its text has `flux: soft`, and no other one has"
            )
        pixels = self.spectra.size // text.bin
        if model.read_in and not model.read_in.soft_tokens(pixels):
            yield f"{key}.read_in: no soft token of a spectrum of {pixels} pixels"
        if text.answer != "grouped" and model.training.soft_targets:
            yield f"{key}.training.soft_targets: only a text with grouped answers has them"
        for label in model.training.soft_targets.keys() - set(WIDTHS):
            yield f"{key}.training.soft_targets: {label!r} is none of {', '.join(WIDTHS)}"

    def _after_errors(self, key: str, model: LlmOptions) -> Iterator[str]:
        first = {str(run): run.model for run in self.runs if run.dataset == "lamost"}
        if model.after not in first or first[model.after] not in self.llms:
            llms = [run for run, name in first.items() if name in self.llms]
            yield f"{key}: {model.after!r} is no language model's run ({', '.join(llms)})"
            return
        before = self.llms[first[model.after]]
        for name in ("base", "quantise", "lora", "read_in"):
            if getattr(before, name) != getattr(model, name):
                yield f"{key}: {name} must be that of models.{first[model.after]}"
        texts = [self.texts[each.text] for each in (before, model)]
        if len({(text.flux, text.bin, text.marker_every) for text in texts}) > 1:
            yield f"{key}: the text must write spectra as that of models.{first[model.after]} does"

    @property
    def llms(self) -> dict[str, LlmOptions]:
        """The language models among the models."""
        return {name: m for name, m in self.models.items() if isinstance(m, LlmOptions)}

    @property
    def baselines(self) -> dict[str, BaselineOptions]:
        """The other models."""
        return {name: m for name, m in self.models.items() if isinstance(m, BaselineOptions)}

    @property
    def _all_runs(self) -> "list[Run]":
        """All runs of the experiment, each once, by scale and then in the order of the config."""
        runs = [
            Run(model, grid.dataset, scale)
            for grid in self.experiment
            for model in grid.models
            for scale in grid.scales
        ]
        return sorted(dict.fromkeys(runs), key=lambda run: run.scale)

    @property
    def runs(self) -> "list[Run]":
        """The runs that have not failed, by scale and then in the order of the config."""
        return [run for run in self._all_runs if str(run) not in self.evaluation.failed]

    def runs_on(self, dataset: str) -> "list[Run]":
        """The runs that are trained on a dataset."""
        return [run for run in self.runs if run.dataset == dataset]

    def scales(self, dataset: str) -> list[int]:
        """The scales of the runs that are trained on a dataset, the smallest first."""
        return sorted({run.scale for run in self.runs_on(dataset)})

    def targets(self, dataset: str) -> Targets:
        """What models that are trained on a dataset predict."""
        return Targets.PARAMETERS if dataset == "lamost" else Targets(",".join(self.elements))

    @property
    def datasets(self) -> list[str]:
        """The datasets that models are trained on."""
        return [name for name in ("lamost", "apogee") if self.runs_on(name)]

    @property
    def external(self) -> list[str]:
        """The surveys that are used for external evaluation only."""
        return [name for name in self.surveys.others if name != "apogee"]

    @property
    def run_models(self) -> list[str]:
        """Names of the models of all runs, in the order of the config."""
        return list(dict.fromkeys(model for grid in self.experiment for model in grid.models))

    def shards(self, scale: int) -> list[str]:
        """Names of the shards of a scale: the first ones."""
        return [f"{number:04d}" for number in range(self.samples.shards(scale))]


@dataclass(frozen=True)
class Run:
    """One model trained on one dataset at one scale."""

    model: str
    dataset: str
    scale: int

    def __str__(self) -> str:
        return f"{self.model}-{self.dataset}-{self.scale}"
