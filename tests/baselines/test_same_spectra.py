"""Baselines are trained on the same spectra as language models."""

import numpy as np
import pyarrow as pa
import pytest
from baselines.conftest import GRID, SIZE, task

from spectralm.baselines.split import Split
from spectralm.files import read_parquet
from spectralm.language.options import TextOptions
from spectralm.language.shards import records

#: Values that neither text format can write. Values between these and the range of a Label are
#: not tested: no star has them, and a language model would accept them (Teff = 80000 K).
WILD = {"teff": [7e5, -12.0, 1e5], "logg": [40.0, -11.0, 12.0], "feh": [17.0, -25.0, 9999.0]}


@pytest.fixture
def with_wild_labels(shards, tmp_path):
    """The shards with some labels outside their range, in every split."""

    def wild(name):
        return lambda table: pa.array(
            np.where(
                np.arange(SIZE) % 7 == list(WILD).index(name),
                np.resize(WILD[name], SIZE),
                table[name].to_numpy(),
            )
        )

    return shards.with_columns(tmp_path, **{name: wild(name) for name in WILD})


@pytest.mark.parametrize("flux", ["paper", "compact"])
@pytest.mark.parametrize("split", ["train", "validation"])
def test_the_obsids_are_those_of_the_questions(with_wild_labels, tmp_path, flux, split):
    answer = {"paper": "characters", "compact": "grouped"}[flux]
    wavelength = 4000.0 + np.arange(GRID)
    asked, refused = [], []
    for spectra, sample in zip(with_wild_labels.spectra, with_wild_labels.samples, strict=True):
        manifest = read_parquet(sample)
        manifest = manifest.append_column("path", pa.array(["p"] * len(manifest)))
        text = TextOptions(flux=flux, answer=answer)
        splits, rejects = records(manifest, read_parquet(spectra), text, wavelength)
        asked += [row["obsid"] for row in splits[split]]
        refused += rejects
    assert len(refused) > 100
    given = Split.open(task("cnn", with_wild_labels, tmp_path / "workspace"), split)
    assert given.obsid.tolist() == sorted(asked)
