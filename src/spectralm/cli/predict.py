"""Labels of one's own spectra."""

from pathlib import Path

from spectralm.errors import InputError
from spectralm.inference import predict
from spectralm.inference.run import Device
from spectralm.inference.user_spectra import Medium

MODELS = Path("results", "models")


def run(
    *files: Path,
    run: str | None = None,
    model: Path | None = None,
    base: str | None = None,
    device: Device | None = None,
    medium: Medium | None = None,
    unit: str | None = None,
    out: Path | None = None,
) -> None:
    """Tell class and labels of spectra with a trained run: RUN of results/models, or the FOLDER
    of any model. Files are LAMOST's, or tables (FITS, ECSV, CSV, text) with columns wavelength and
    flux, whose medium (air, vacuum) and unit are told here if the file does not. DEVICE cpu lets a
    large language model work without a GPU. OUT may end in .ecsv, .csv, .fits or .parquet."""
    if (run is None) == (model is None):
        made = sorted(path.parent.name for path in MODELS.glob("*/manifest.json"))
        there = ", ".join(made) or "none in results/models here"
        raise InputError("predict", "run", "give --run or --model", f"runs: {there}")
    if out is not None:
        predict.known_format(out)
    table = predict.predict(
        files, model or MODELS / run, base=base, device=device, medium=medium, unit=unit
    )
    print(predict.shown(table))
    if out is not None:
        predict.write(out, table)
