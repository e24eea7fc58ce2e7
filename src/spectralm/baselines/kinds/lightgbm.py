"""Gradient-boosted trees (the paper's LightGBM): one classifier, one regressor per label."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import lightgbm
import numpy as np
import pyarrow as pa

from spectralm.baselines.data import classes_of, names_of, predictions
from spectralm.baselines.model import Model, Task, Training
from spectralm.baselines.options.lightgbm import LightgbmOptions
from spectralm.baselines.split import Split, blocks, open_splits
from spectralm.files import atomic
from spectralm.labels.vocabulary import CLASSES, Targets
from spectralm.progress import Progress

log = logging.getLogger(__name__)

CLASS = "class"
#: Number of spectra whose quantiles define the bins of flux.
BINNED_BY = 20_000


class _Rows(lightgbm.Sequence):
    """Flux that LightGBM bins, one block of spectra at a time."""

    def __init__(self, flux: np.ndarray):
        self.flux = flux

    def __len__(self) -> int:
        return len(self.flux)

    def __getitem__(self, rows: int | slice | list[int]) -> np.ndarray:
        return self.flux[rows].astype(np.float64)


@dataclass(frozen=True)
class Lightgbm(Model[LightgbmOptions]):
    """Trees on flux in thousandths."""

    packages: ClassVar[tuple[str, ...]] = ("numpy", "lightgbm")

    targets: Targets
    boosters: dict[str, lightgbm.Booster]
    """By label; without labels that no training or no validation star has. In stage 1 also
    ``class``, whose outputs are probabilities in the order of CLASSES."""

    @classmethod
    def train(cls, task: Task[LightgbmOptions]) -> tuple[Self, Training]:
        """Boost until the validation error stops falling; each booster is saved when finished.

        Raises:
            InputError: There is no training or no validation spectrum.
        """
        train, validation = open_splits(task)
        datasets = None
        values = [_values(split, task.targets) for split in (train, validation)]
        trainable = [name for name in values[0] if _is_trainable(name, values)]
        files = {name: task.workspace / f"{name}.txt" for name in trainable}
        for name, file in files.items():
            if file.is_file():
                continue
            datasets = datasets or _datasets(train, validation, task.options)
            booster = _boost(name, [of_split[name] for of_split in values], datasets, task.options)
            with atomic(file) as temporary:
                booster.save_model(temporary)
            task.clock.keep()
        boosters = {name: lightgbm.Booster(model_file=file) for name, file in files.items()}
        model = cls(task.targets, boosters)
        return model, Training(len(train), len(validation), model._metrics(validation))

    def save(self, folder: Path) -> None:
        """Write each booster in LightGBM's text format."""
        for name, booster in self.boosters.items():
            with atomic(folder / f"{name}.txt") as temporary:
                booster.save_model(temporary)

    @classmethod
    def load(cls, folder: Path, options: LightgbmOptions, targets: Targets) -> Self:
        """Read the boosters that :meth:`save` wrote."""
        files = sorted(folder.glob("*.txt"))
        return cls(targets, {file.stem: lightgbm.Booster(model_file=file) for file in files})

    @property
    def parameters(self) -> int:
        """Number of values of leaves, and of pixels and thresholds of splits."""
        leaves = [
            tree["num_leaves"]
            for booster in self.boosters.values()
            for tree in booster.dump_model()["tree_info"]
        ]
        return sum(number + 2 * (number - 1) for number in leaves)

    def outputs(self, thousandths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities [n, classes] and labels [n, labels] for flux [n, grid]."""
        classes, names = classes_of(self.targets), names_of(self.targets)
        scores, labels = [np.empty((0, len(classes)))], [np.empty((0, len(names)))]
        for block in blocks(thousandths):
            flux = block.astype(np.float64)
            found = {
                name: np.asarray(booster.predict(flux)) for name, booster in self.boosters.items()
            }
            scores.append(found.get(CLASS, np.empty((len(block), 0))))
            missing = np.full(len(block), np.nan)
            labels.append(np.stack([found.get(name, missing) for name in names], axis=1))
        return np.concatenate(scores), np.concatenate(labels)

    def answers(self, obsid: pa.ChunkedArray, thousandths: np.ndarray) -> pa.Table:
        """PREDICTIONS from flux in thousandths, int16 [n, grid]."""
        scores, labels = self.outputs(thousandths)
        classes = np.array(CLASSES)[scores.argmax(axis=1)] if scores.shape[1] else None
        status = np.full(len(labels), "parsed")
        return predictions(self.targets, obsid, status, classes, labels)

    def _metrics(self, validation: Split) -> dict[str, Any]:
        scores, labels = self.outputs(validation.flux)
        rounds = {name: booster.current_iteration() for name, booster in self.boosters.items()}
        metrics: dict[str, Any] = {"rounds": rounds}
        if scores.shape[1]:
            correct = scores.argmax(axis=1) == validation.classes
            metrics["class_accuracy"] = float(correct.mean())
        squares = np.square(labels - validation.labels)
        trained = np.isfinite(squares).any(axis=0)
        names = np.compress(trained, names_of(self.targets))
        rms = np.sqrt(np.nanmean(squares.compress(trained, axis=1), axis=0))
        return metrics | {f"rms_{name}": value for name, value in zip(names, rms, strict=True)}


def _values(split: Split, targets: Targets) -> dict[str, np.ndarray]:
    """The target values by name, [n] each; NaN where missing."""
    classes = {CLASS: split.classes} if classes_of(targets) else {}
    return classes | dict(zip(names_of(targets), split.labels.T, strict=True))


def _is_trainable(name: str, values: list[dict[str, np.ndarray]]) -> bool:
    trainable = all(np.isfinite(of_split[name]).any() for of_split in values)
    if not trainable:
        log.warning("%s: no model, as no training or no validation star has this label", name)
    return trainable


def _datasets(
    train: Split, validation: Split, options: LightgbmOptions
) -> tuple[lightgbm.Dataset, lightgbm.Dataset]:
    """Binned flux of the two splits, without targets."""
    settings = {
        "bin_construct_sample_cnt": BINNED_BY,
        "data_random_seed": options.seed,
        "verbosity": -1,
    }
    binned = lightgbm.Dataset(_Rows(train.flux), params=settings)
    return binned, binned.create_valid(_Rows(validation.flux), params=settings)


def _boost(
    name: str,
    targets: list[np.ndarray],
    datasets: tuple[lightgbm.Dataset, lightgbm.Dataset],
    options: LightgbmOptions,
) -> lightgbm.Booster:
    """A booster for the class or for one label, trained on the spectra that have it."""
    parts = [_with_targets(*pair) for pair in zip(datasets, targets, strict=True)]
    objective: dict[str, str | int] = {"objective": "regression"}
    if name == CLASS:
        objective = {"objective": "multiclass", "num_class": len(CLASSES)}
    progress = Progress(options.rounds, f"rounds at most, {name}")
    booster = lightgbm.train(
        {
            **objective,
            "learning_rate": options.learning_rate,
            "num_leaves": options.leaves,
            "feature_fraction": options.pixel_fraction,
            "seed": options.seed,
            "data_random_seed": options.seed,
            "bin_construct_sample_cnt": BINNED_BY,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        },
        parts[0],
        num_boost_round=options.rounds,
        valid_sets=[parts[1]],
        callbacks=[
            lightgbm.early_stopping(options.stop_after, verbose=False),
            lambda state: progress.show(state.iteration + 1),
        ],
    )
    progress.close()
    log.info("%s: %d rounds, validation %s", name, booster.best_iteration, booster.best_score)
    return booster


def _with_targets(dataset: lightgbm.Dataset, values: np.ndarray) -> lightgbm.Dataset:
    """The dataset with target values, without the spectra whose value is missing."""
    finite = np.isfinite(values)
    dataset.construct().set_label(np.nan_to_num(values))
    return dataset if finite.all() else dataset.subset(np.flatnonzero(finite).tolist())


MODEL = Lightgbm
