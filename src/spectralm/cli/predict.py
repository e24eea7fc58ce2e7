"""Predictions for a user's own spectra."""

from pathlib import Path

from spectralm.errors import InputError
from spectralm.inference import predict
from spectralm.inference.find_spectra import find_spectra
from spectralm.inference.many import Model, predict_many
from spectralm.inference.run import Device
from spectralm.inference.user_spectra import Medium, WavelengthScale

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
    processes: int = 1,
) -> None:
    """Predict class and labels of spectra with a trained run.

    The run is RUN of results/models, or a folder, MODEL. Files are LAMOST files, or tables (FITS,
    ECSV, CSV, text) with columns wavelength and flux, or folders or patterns of them; give MEDIUM
    (air, vacuum) and UNIT of the wavelengths if the file does not have them. DEVICE cpu runs a
    large language model without a GPU. OUT may end in .ecsv, .csv, .fits or .parquet; a command
    that was stopped continues there. PROCESSES work on one core each.
    """
    folder = model if run is None else MODELS / run
    if folder is None or (run is not None and model is not None):
        names = sorted(path.parent.name for path in MODELS.glob("*/manifest.json"))
        runs = ", ".join(names) or "none in results/models here"
        raise InputError("predict", "run", "give --run or --model", f"runs: {runs}")
    if out is None:
        table = predict.predict(files, folder, base=base, device=device, medium=medium, unit=unit)
        refused = table["detail"][table["status"] == "refused"].tolist()
        print(predict.as_text(table, len(table), refused))
        return
    opened = Model(folder, base, device, WavelengthScale(medium, unit))
    print(predict_many(opened, find_spectra(files), out, processes))
