"""External surveys: comparison with stars that no model was trained on."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

TITLES = {
    "lamost": "LAMOST",
    "apogee": "APOGEE DR16",
    "galah": "GALAH DR4",
    "gaia_eso": "Gaia-ESO DR5",
}


@dataclass(frozen=True)
class Unseen:
    """How many spectra of a survey's sample may be compared with a model."""

    dataset: str
    spectra: int
    """Of stars that no model was trained on."""
    left_out: int
    """Of stars of the training and validation splits."""

    @classmethod
    def of(cls, dataset: str, sample: pa.Table) -> "Unseen":
        """Count the rows of a dataset's manifest by their ``split``."""
        spectra = pc.sum(pc.equal(sample["split"], "test")).as_py() or 0
        return cls(dataset, spectra, len(sample) - spectra)

    @property
    def sentence(self) -> str:
        """A sentence with both counts."""
        stars = f"unseen stars of {TITLES[self.dataset]}"
        out = f"{self.left_out:,} are left out, whose stars are for training or validation"
        if not self.spectra:
            return f"Empty: LAMOST has no spectra of {stars}; {out}."
        return f"LAMOST's {self.spectra:,} spectra of {stars}; {out}."
