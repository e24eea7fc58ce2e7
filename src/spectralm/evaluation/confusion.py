"""Which classes a model takes for which."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spectralm.evaluation.statistics import ALL, names_classes
from spectralm.labels.vocabulary import CLASSES

NO_ANSWER = "none"


@dataclass(frozen=True)
class Confusion:
    """Counts of test spectra by the survey's class and the model's."""

    counts: np.ndarray
    """[5, 6]: the survey's classes; the model's classes in the same order, then no answer."""

    @property
    def accuracies(self) -> dict[str, float | None]:
        """Accuracy: fraction of the spectra of each class, and of all, with the correct class."""
        right, n = np.diag(self.counts), self.counts.sum(axis=1)
        shares = dict(zip((*CLASSES, ALL), (*right, right.sum()), strict=True))
        totals = dict(zip((*CLASSES, ALL), (*n, n.sum()), strict=True))
        return {name: shares[name] / totals[name] if totals[name] else None for name in shares}

    @property
    def shares(self) -> np.ndarray:
        """Counts as shares of the survey's class; NaN for a class without spectra."""
        n = self.counts.sum(axis=1, keepdims=True)
        return np.divide(self.counts, n, out=np.full(self.counts.shape, np.nan), where=n > 0)


def confusion(residuals: pa.Table) -> Confusion | None:
    """The confusion matrix of a table of residuals; None for a model that names no classes."""
    if not names_classes(residuals):
        return None
    named = pc.fill_null(residuals["predicted_class"], NO_ANSWER).to_numpy()
    survey = residuals["class"].to_numpy()
    counts = [
        [np.sum((survey == true) & (named == guess)) for guess in (*CLASSES, NO_ANSWER)]
        for true in CLASSES
    ]
    return Confusion(np.array(counts))
