"""The config of an experiment: every wing's options in one tree, checked before anything runs.

``config/config.yaml`` is the commented manual. ``python -m spectralm.config`` prints the JSON
schema that is kept in ``workflow/schemas/``.
"""

import difflib
import json
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, Union

import yaml
from pydantic import (
    BaseModel,
    Field,
    PositiveInt,
    ValidationError,
    field_validator,
    model_validator,
)

from spectralm.baselines.options import BaselineOptions
from spectralm.baselines.registry import kinds, options_class
from spectralm.errors import SpectraLMError
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
from spectralm.workspace import MANIFEST


class Lamost(LamostPaths):
    """LAMOST spectra and their catalogue."""

    cuts: LamostCuts = LamostCuts()
    """Which rows of the catalogues are used."""


class Surveys(Options):
    """The surveys' files on this machine."""

    lamost: Lamost
    """LAMOST low-resolution spectra and stellar catalogues."""

    apogee: ApogeeOptions = ApogeeOptions()
    """APOGEE's labels of stars that LAMOST has, too."""

    galah: GalahOptions = GalahOptions()
    """GALAH's."""

    gaia_eso: GaiaEsoOptions = GaiaEsoOptions()
    """Gaia-ESO's."""

    crossmatch: CrossmatchOptions = CrossmatchOptions()
    """Which star of these surveys is which of LAMOST's."""

    @property
    def others(self) -> dict[str, str]:
        """The catalogue of each survey other than LAMOST that is used, by its dataset's name."""
        options = {"apogee": self.apogee, "galah": self.galah, "gaia_eso": self.gaia_eso}
        return {name: o.catalogue for name, o in options.items() if o.catalogue is not None}


#: Options of any model; its kind tells whose.
AnyModel = Annotated[
    Union[LlmOptions, *map(options_class, kinds())],
    Field(discriminator="kind"),
]


class Grid(Options):
    """Runs of the experiment: every model here at every scale here."""

    dataset: Literal["lamost", "apogee"] = "lamost"
    """What is learned: `lamost`, class, Teff, log g and [Fe/H] (stage 1); `apogee`, abundances
    (stage 2)."""

    models: list[str] = Field(min_length=1)
    """Names of entries of `models`."""

    scales: list[PositiveInt] = Field(min_length=1)
    """Numbers of spectra, training and test together; whole shards each."""


class Config(Options):
    """An experiment from the survey's files to tables and figures."""

    surveys: Surveys
    """Where the data are."""

    samples: SampleOptions = SampleOptions()
    """How spectra are drawn and split."""

    spectra: SpectraOptions = SpectraOptions()
    """How spectra are masked, normalised and resampled."""

    texts: dict[str, TextOptions] = Field(default={"paper": TextOptions()})
    """Ways of writing questions and answers, by name."""

    elements: list[Literal[SPECIES]] = Field(default=list(SPECIES), min_length=1)
    """Species whose abundances stage 2 learns, as APOGEE spells them."""

    mock: SkyOptions = SkyOptions()
    """The synthetic sky that `make_sky` writes into results/sky, for whoever has no data."""

    tiny: TinyOptions = TinyOptions()
    """The small random base model, for models with `base: tiny`."""

    models: dict[str, AnyModel]
    """Models, by name; a name becomes part of paths: lower case, digits and underscores."""

    experiment: list[Grid] = Field(min_length=1)
    """Which models are run on how many spectra: all the runs of all the entries."""

    evaluation: EvaluationOptions = EvaluationOptions()
    """How residuals are summarised."""

    workspaces: str = "workspaces"
    """Folder for unfinished trainings; they go on from here after an interruption."""

    @field_validator("elements")
    @classmethod
    def _in_order(cls, elements: list[str]) -> list[str]:
        return [species for species in SPECIES if species in elements]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for complaint in self._complaints():
            raise ValueError(complaint)
        return self

    def _complaints(self) -> Iterator[str]:
        for number, grid in enumerate(self.experiment):
            yield from self._grid_complaints(f"experiment.{number}", grid)
        for run in self.evaluation.failed.keys() - set(map(str, self._asked)):
            yield f"evaluation.failed: {run!r} is no run of the experiment"
        for name in (*self.models, *self.texts):
            if not (name.isascii() and name.replace("_", "").isalnum() and name.islower()):
                yield f"{name!r}: names are of lower-case letters, digits and underscores"
        for name, model in self.llms.items():
            yield from self._llm_complaints(f"models.{name}", model)
            if model.after is not None and model.adapter is None and name in self.run_models:
                yield from self._after_complaints(f"models.{name}.after", model)
        names = {label.name for label in PARAMETERS}
        for name, text in self.texts.items():
            if text.decimals.keys() != names:
                yield f"texts.{name}.decimals: give each of {', '.join(sorted(names))}"

        if self.samples.external % self.samples.shard_size:
            yield f"samples.external: no multiple of shard_size = {self.samples.shard_size}"

    def _grid_complaints(self, key: str, grid: Grid) -> Iterator[str]:
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
                    f"{key}.models: {name!r} cannot learn from {grid.dataset}; language models with"
                    " `after` learn from apogee, those without from lamost"
                )
            elif self.models[name].kind == "from_parameters" and grid.dataset == "lamost":
                yield f"{key}.models: {name!r} starts from lamost's labels; run it on apogee"

    def _llm_complaints(self, key: str, model: LlmOptions) -> Iterator[str]:
        if model.training.answer_only_layer and model.attention != "sdpa":
            yield f"{key}.attention: training.answer_only_layer needs sdpa; leave one of them out"
        if model.training.zero3 and model.lora.train_embeddings:
            yield f"{key}.training.zero3: not with lora.train_embeddings; leave one of them out"
        if model.text not in self.texts:
            yield f"{key}.text: {model.text!r} is not in texts ({', '.join(self.texts)})"
        elif self.texts[model.text].answer != "grouped":
            if model.training.soft_targets:
                yield f"{key}.training.soft_targets: only a text with grouped answers has these"
            if model.generation.reading == "expected":
                yield f"{key}.generation.reading: `expected` needs a text with grouped answers"
        for label in model.training.soft_targets.keys() - set(WIDTHS):
            yield f"{key}.training.soft_targets: {label!r} is none of {', '.join(WIDTHS)}"
        tiny = model.base == "tiny" and self.tiny.positions == "learned"
        if tiny and self.tiny.context < model.max_tokens + ANSWER_ROOM:
            yield (
                f"tiny.context: learned positions need room for the answers, {ANSWER_ROOM} tokens, "
                f"behind {key}.max_tokens = {model.max_tokens}"
            )

    def _after_complaints(self, key: str, model: LlmOptions) -> Iterator[str]:
        first = {str(run): run.model for run in self.runs if run.dataset == "lamost"}
        if model.after not in first or first[model.after] not in self.llms:
            llms = [run for run, name in first.items() if name in self.llms]
            yield f"{key}: {model.after!r} is no language model's run ({', '.join(llms)})"
            return
        before = self.llms[first[model.after]]
        for name in ("base", "quantise", "lora"):
            if getattr(before, name) != getattr(model, name):
                yield f"{key}: {name} must be that of models.{first[model.after]}"
        texts = [self.texts[each.text] for each in (before, model)]
        if len({(text.flux, text.marker_every) for text in texts}) > 1:
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
    def _asked(self) -> "list[Run]":
        """All runs of the experiment, each once, by scale and then in the order of the config."""
        asked = [
            Run(model, grid.dataset, scale)
            for grid in self.experiment
            for model in grid.models
            for scale in grid.scales
        ]
        return sorted(dict.fromkeys(asked), key=lambda run: run.scale)

    @property
    def runs(self) -> "list[Run]":
        """All runs of the experiment but the failed ones, by scale and then as in the config."""
        return [run for run in self._asked if str(run) not in self.evaluation.failed]

    def runs_on(self, dataset: str) -> "list[Run]":
        """The runs that learn from a dataset."""
        return [run for run in self.runs if run.dataset == dataset]

    def scales(self, dataset: str) -> list[int]:
        """All scales at which anything learns from a dataset, the smallest first."""
        return sorted({run.scale for run in self.runs_on(dataset)})

    def targets(self, dataset: str) -> Targets:
        """What models that learned from a dataset are asked, of any star."""
        return Targets.PARAMETERS if dataset == "lamost" else Targets(",".join(self.elements))

    @property
    def datasets(self) -> list[str]:
        """The datasets that anything learns from."""
        return [name for name in ("lamost", "apogee") if self.runs_on(name)]

    @property
    def external(self) -> list[str]:
        """The surveys that judge from outside."""
        return [name for name in self.surveys.others if name != "apogee"]

    @property
    def run_models(self) -> list[str]:
        """All models that are run, in the order of the config."""
        return list(dict.fromkeys(model for grid in self.experiment for model in grid.models))

    def shards(self, scale: int) -> list[str]:
        """Names of the shards that a scale consists of: the first ones."""
        return [f"{number:04d}" for number in range(self.samples.shards(scale))]


@dataclass(frozen=True)
class Run:
    """One model trained on one dataset at one scale."""

    model: str
    dataset: str
    scale: int

    def __str__(self) -> str:
        return f"{self.model}-{self.dataset}-{self.scale}"


def check(config: Mapping[str, Any]) -> Config:
    """Check a config as Snakemake has read it.

    Raises:
        SpectraLMError: names every wrong key, what is wrong with it and what to do.
    """
    try:
        return Config.model_validate_json(json.dumps(config))
    except ValidationError as error:
        lines = [_sentence(problem) for problem in error.errors()]
        raise SpectraLMError("the config has errors:\n  " + "\n  ".join(lines)) from None


def load(config: Mapping[str, Any]) -> Config:
    """Check a config as Snakemake has read it, and that its folders and files are there.

    Raises:
        SpectraLMError: names every wrong key or missing path and what to do.
    """
    checked = check(config)
    missing = [
        f"{key}: {path} is not there; correct the path or fetch the data"
        for key, path in _paths(checked)
        if not (made_here(path) or Path(path).exists())
    ]
    if missing:
        raise SpectraLMError("the config has errors:\n  " + "\n  ".join(missing))
    return _noted(checked)


def _noted(config: Config) -> Config:
    """The config with a sentence in every table on each adapter of which nothing is known."""
    unknown = [
        f"{name} is the adapter of {model.adapter}, which has no manifest: what it learned from is"
        " not known."
        for name, model in config.llms.items()
        if name in config.run_models
        and model.adapter is not None
        and not Path(model.adapter, MANIFEST).is_file()
    ]
    note = " ".join(filter(None, [*unknown, config.evaluation.note]))
    evaluation = config.evaluation.model_copy(update={"note": note})
    return config.model_copy(update={"evaluation": evaluation})


def made_here(path: str) -> bool:
    """Whether a path is one that the workflow makes itself, as the demo's sky."""
    return Path(path).is_relative_to("results")


def _paths(config: Config) -> Iterator[tuple[str, str]]:
    lamost = config.surveys.lamost
    yield from (("surveys.lamost.spectra", path) for path in lamost.spectra)
    yield from (("surveys.lamost.catalogues", path) for path in lamost.catalogues)
    for name, path in config.surveys.others.items():
        yield f"surveys.{name}.catalogue", path
    if config.evaluation.bound:
        yield "evaluation.bound", config.evaluation.bound
    for name in config.run_models:
        if name in config.llms and config.llms[name].adapter is not None:
            yield f"models.{name}.adapter", config.llms[name].adapter
        base = config.llms[name].base if name in config.llms else ""
        # Hub ids look like relative paths, so only what can be nothing else counts as a path.
        if base.startswith(("/", "./", "../", "~")):
            yield f"models.{name}.base", base


#: Keys of earlier versions, and what they are called now.
_RENAMED = {"demo": "mock"}


def _sentence(problem: Mapping[str, Any]) -> str:
    place = list(problem["loc"])
    # Behind a model's name stands its kind, which is no key of the config.
    shown = place[:2] + place[3:] if place[:1] == ["models"] else place
    key = ".".join(map(str, shown)) or "config"
    if problem["type"] == "extra_forbidden":
        if key in _RENAMED:
            return f"{key}: is now called {_RENAMED[key]}; rename it"
        known = _known_keys(place[:-1])
        close = difflib.get_close_matches(str(place[-1]), known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"
        return f"{key}: unknown key; {hint}"
    if problem["type"] == "missing":
        return f"{key}: missing; add it (config/config.yaml says what it is)"
    if problem["type"] == "value_error":
        return f"{key}: {problem['ctx']['error']}" if place else str(problem["ctx"]["error"])
    return f"{key}: {problem['msg']}, found {problem['input']!r}; correct its value"


def _known_keys(place: list[str | int]) -> list[str]:
    kind: Any = Config
    for part in place:
        if typing.get_origin(kind) in (dict, list):
            kind = typing.get_args(kind)[-1]
        elif typing.get_origin(kind) is Annotated:
            kinds = typing.get_args(typing.get_args(kind)[0])
            kind = next(k for k in kinds if part in typing.get_args(_annotation(k, "kind")))
        else:
            kind = _annotation(kind, part)
    return sorted(kind.model_fields)


def _annotation(kind: type[BaseModel], field: str | int) -> Any:
    return kind.model_fields[str(field)].annotation


if __name__ == "__main__":
    print(yaml.safe_dump(Config.model_json_schema(), sort_keys=False, width=100), end="")
