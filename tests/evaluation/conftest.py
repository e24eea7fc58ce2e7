"""A made-up sky with answers, whose residuals are known."""

import numpy as np
import pyarrow as pa
import pytest

from spectralm.labels.vocabulary import CLASSES
from spectralm.schemas import PREDICTIONS, schema

TEMPERATURES = dict(zip(CLASSES, (8200, 6400, 5700, 4700, 3700), strict=True))
SCATTER = {"teff": 80.0, "logg": 0.12, "feh": 0.08}


@pytest.fixture(scope="session")
def manifest() -> pa.Table:
    """3000 spectra, six hundred a class; a third are test, two spectra a star in places."""
    rng = np.random.default_rng(5)
    n = 3000
    classes = np.tile(CLASSES, n // 5)
    return pa.table(
        {
            "obsid": rng.permutation(n) + 700_000_000_000,
            "star_id": [f"gaia:{number}" for number in rng.integers(n, size=n)],
            "class": classes,
            "teff": np.array([TEMPERATURES[c] for c in classes]) + rng.normal(0, 350, n),
            "logg": np.where(rng.random(n) < 0.3, 2.3, 4.4) + rng.normal(0, 0.3, n),
            "feh": rng.normal(-0.3, 0.4, n),
            "snrr": rng.uniform(10, 200, n),
            "snri": rng.uniform(10, 200, n),
            "split": np.tile(["train", "validation", "test", "test", "test", "test", "test"], n)[
                :n
            ],
        }
    )


@pytest.fixture(scope="session")
def predictions(manifest: pa.Table) -> pa.Table:
    """An answer for each test spectrum of the manifest; one in fifty is not parsed."""
    rng = np.random.default_rng(6)
    test = manifest.filter(pa.compute.equal(manifest["split"], "test"))
    n = len(test)
    unparsed = np.arange(n) % 50 == 0
    columns = {
        "obsid": test["obsid"],
        "status": np.where(unparsed, "not a class and 3 quoted numbers", "parsed"),
        "answer": pa.array(["[...]"] * n),
        "class": pa.array(test["class"].to_numpy(), mask=unparsed),
    }
    for name, sigma in SCATTER.items():
        noise = sigma * rng.standard_t(4, n)
        columns[name] = pa.array(test[name].to_numpy() + noise, mask=unparsed)
    unasked = {field.name: pa.nulls(n, field.type) for field in schema(PREDICTIONS)}
    return pa.table(unasked | columns, schema=schema(PREDICTIONS))
