"""Gradient-boosted trees (the paper's LightGBM): one classifier, one regressor per label."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import lightgbm
import numpy as np
import pyarrow as pa

from spectralm.baselines.data import LABELS, predictions
from spectralm.baselines.model import Model, Task, Training
from spectralm.baselines.options.lightgbm import LightgbmOptions
from spectralm.baselines.split import Split, blocks, open_splits
from spectralm.files import atomic
from spectralm.labels.vocabulary import CLASSES

log = logging.getLogger(__name__)

CLASS = "class"
#: Spectra whose quantiles tell where a pixel's bins lie.
BINNED_BY = 20_000


class _Rows(lightgbm.Sequence):
    """Flux for LightGBM to bin, a block of spectra at a time."""

    def __init__(self, flux: np.ndarray):
        self.flux = flux

    def __len__(self) -> int:
        return len(self.flux)

    def __getitem__(self, rows: int | slice) -> np.ndarray:
        return self.flux[rows].astype(np.float64)


@dataclass(frozen=True)
class Lightgbm(Model):
    """Trees on thousandths of flux."""

    packages: ClassVar[tuple[str, ...]] = ("numpy", "lightgbm")

    boosters: dict[str, lightgbm.Booster]
    """By label; and ``class``, whose outputs are probabilities in the order of CLASSES."""

    @classmethod
    def train(cls, task: Task) -> tuple[Self, Training]:
        """Boost until the validation spectra gain no more; each finished booster is kept.

        Raises:
            InputError: there is no spectrum to learn from, or none to validate on.
        """
        train, validation = open_splits(task)
        datasets = None
        files = {name: task.workspace / f"{name}.txt" for name in (CLASS, *LABELS)}
        for name, file in files.items():
            if file.is_file():
                continue
            datasets = datasets or _datasets(train, validation, task.options)
            booster = _boost(name, train, validation, datasets, task.options)
            with atomic(file) as temporary:
                booster.save_model(temporary)
            task.clock.keep()
        model = cls({name: lightgbm.Booster(model_file=file) for name, file in files.items()})
        return model, Training(len(train), len(validation), model._metrics(validation))

    def save(self, folder: Path) -> None:
        for name, booster in self.boosters.items():
            with atomic(folder / f"{name}.txt") as temporary:
                booster.save_model(temporary)

    @classmethod
    def load(cls, folder: Path, options: LightgbmOptions) -> Self:
        names = (CLASS, *LABELS)
        return cls({name: lightgbm.Booster(model_file=folder / f"{name}.txt") for name in names})

    @property
    def parameters(self) -> int:
        """A value per leaf, and a pixel and a threshold per split."""
        leaves = [
            tree["num_leaves"]
            for booster in self.boosters.values()
            for tree in booster.dump_model()["tree_info"]
        ]
        return sum(number + 2 * (number - 1) for number in leaves)

    def outputs(self, thousandths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Classes, as places in CLASSES [n], and labels [n, labels], for flux [n, grid]."""
        classes, labels = [np.empty(0, int)], [np.empty((0, len(LABELS)))]
        for block in blocks(thousandths):
            flux = block.astype(np.float64)
            classes.append(self.boosters[CLASS].predict(flux).argmax(axis=1))
            labels.append(np.stack([self.boosters[name].predict(flux) for name in LABELS], axis=1))
        return np.concatenate(classes), np.concatenate(labels)

    def answers(self, obsid: pa.ChunkedArray, thousandths: np.ndarray) -> pa.Table:
        classes, labels = self.outputs(thousandths)
        status = np.full(len(labels), "parsed")
        return predictions(obsid, status, np.array(CLASSES)[classes], labels)

    def _metrics(self, validation: Split) -> dict[str, Any]:
        classes, labels = self.outputs(validation.flux)
        rms = np.sqrt(np.nanmean(np.square(labels - validation.labels), axis=0))
        return {
            "rounds": {
                name: booster.current_iteration() for name, booster in self.boosters.items()
            },
            "class_accuracy": float((classes == validation.classes).mean()),
            **{f"rms_{name}": value for name, value in zip(LABELS, rms, strict=True)},
        }


def _datasets(
    train: Split, validation: Split, options: LightgbmOptions
) -> tuple[lightgbm.Dataset, lightgbm.Dataset]:
    """Binned flux of the two splits, still without targets."""
    settings = {
        "bin_construct_sample_cnt": BINNED_BY,
        "data_random_seed": options.seed,
        "verbosity": -1,
    }
    binned = lightgbm.Dataset(_Rows(train.flux), params=settings, free_raw_data=False)
    return binned, binned.create_valid(_Rows(validation.flux), params=settings)


def _boost(
    name: str,
    train: Split,
    validation: Split,
    datasets: tuple[lightgbm.Dataset, lightgbm.Dataset],
    options: LightgbmOptions,
) -> lightgbm.Booster:
    """A booster for the class or for one label; spectra without the label weigh nothing."""
    for split, dataset in zip((train, validation), datasets, strict=True):
        values = split.classes if name == CLASS else split.labels[:, LABELS.index(name)]
        dataset.construct()
        dataset.set_label(np.nan_to_num(values))
        dataset.set_weight(np.isfinite(values).astype(np.float32))
    target = {"objective": "regression"}
    if name == CLASS:
        target = {"objective": "multiclass", "num_class": len(CLASSES)}
    booster = lightgbm.train(
        {
            **target,
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
        datasets[0],
        num_boost_round=options.rounds,
        valid_sets=[datasets[1]],
        callbacks=[lightgbm.early_stopping(options.stop_after, verbose=False)],
    )
    log.info("%s: %d rounds, validation %s", name, booster.best_iteration, booster.best_score)
    return booster


MODEL = Lightgbm
