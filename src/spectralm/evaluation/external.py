"""Runs judged by surveys that they did not learn from, by stars that they have not seen."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from spectralm.evaluation.beside import (
    COUNTED,
    MOMENTS_TOLD,
    lines_of_classes,
    lines_of_elements,
    models_panel,
    numbers,
    runs_panel,
)
from spectralm.evaluation.pairs import Compared, Pair, moments
from spectralm.evaluation.panels import Panel
from spectralm.evaluation.statistics import ALL
from spectralm.labels.vocabulary import PARAMETERS, Targets

TITLES = {
    "lamost": "LAMOST",
    "apogee": "APOGEE DR16",
    "galah": "GALAH DR4",
    "gaia_eso": "Gaia-ESO DR5",
}


@dataclass(frozen=True)
class Unseen:
    """How many spectra of a survey's sample may judge a model."""

    dataset: str
    spectra: int
    """Of stars that no model learned from."""
    left_out: int
    """Of stars of the training and validation splits."""

    @classmethod
    def of(cls, dataset: str, sample: pa.Table) -> "Unseen":
        """Count the rows of a dataset's manifest by their ``split``."""
        spectra = pc.sum(pc.equal(sample["split"], "test")).as_py() or 0
        return cls(dataset, spectra, len(sample) - spectra)

    @property
    def told(self) -> str:
        """A sentence with both counts."""
        stars = f"unseen stars of {TITLES[self.dataset]}"
        out = f"{self.left_out:,} are left out, whose stars are for training or validation"
        if not self.spectra:
            return f"Empty: LAMOST has no spectra of {stars}; {out}."
        return f"LAMOST's {self.spectra:,} spectra of {stars}; {out}."


def external_panels(targets: Targets, judges: Mapping[Unseen, list[Pair]]) -> list[Panel]:
    """A panel per survey with a row per element; of stage 1, per survey and label by class."""
    panels = []
    for unseen, pairs in judges.items():
        survey = TITLES[unseen.dataset]
        told = f"{unseen.told} {MOMENTS_TOLD} {COUNTED}"
        if targets == Targets.PARAMETERS:
            panels += [
                models_panel(
                    f"{survey}: {label.text} ({label.unit}). {told}",
                    "Class",
                    lines_of_classes(label),
                    pairs,
                    moments,
                )
                for label in PARAMETERS
            ]
        else:
            lines = lines_of_elements(ALL)
            caption = f"{survey}: abundances (dex), all classes. {told}"
            panels.append(models_panel(caption, "Element", lines, pairs, moments))
    return [*panels, runs_panel({TITLES[u.dataset]: pairs for u, pairs in judges.items()})]


def external_numbers(
    table: int, targets: Targets, judges: Mapping[Unseen, list[Pair]]
) -> list[Compared]:
    """Every number, per survey, model, class and label, and how many spectra were left out."""
    rows = []
    for unseen, pairs in judges.items():
        for quantity in ("spectra", "left_out"):
            first = (table, unseen.dataset, "", "", "", ALL, "", quantity, "")
            rows.append(Compared(*first, getattr(unseen, quantity), None, None, None, None))
        rows += numbers(table, unseen.dataset, pairs, targets.labels)
    return rows
