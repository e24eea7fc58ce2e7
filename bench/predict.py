"""CPU time of `predict`, of reading and resampling alone, and of the errors of predictions.

    python bench/predict.py MODEL FOLDER [--most 1000]

MODEL is the folder of a run, FOLDER holds LAMOST files. Everything runs in one process, after a
first spectrum that loads libraries and weights. For a language model, the questions of up to 64
spectra are answered with and without errors, alternately; the best of three times is printed.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spectralm import predict
from spectralm.inference.llm_run import open_run, questions_about
from spectralm.inference.run import LLM, Run
from spectralm.inference.user_spectra import WavelengthScale, read_user_spectrum
from spectralm.llm.answering import Calibration
from spectralm.spectra.pixels import Pixels
from spectralm.spectra.resample import resample
from spectralm.spectra.store import Store

ANSWERED = 64


def seconds(work: Callable[[], object]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def read_all(files: list[Path], run: Run) -> Pixels:
    """Spectra of files on the run's grid."""
    scale = WavelengthScale()
    spectra = [resample(read_user_spectrum(file, scale), run.spectra) for file in files]
    flux, masked = zip(*((each.flux, each.masked) for each in spectra), strict=True)
    return Pixels(np.stack(flux), np.stack(masked))


def cost_of_errors(run: Run, pixels: Pixels) -> float:
    """Time of answers with errors, divided by the time of answers without."""
    binned = pixels.binned(run.manifest["text"]["bin"])
    questions = questions_about(run.manifest, binned)
    calibration = Calibration.load(run.folder)
    readers = {
        sigmas: open_run(run.folder, run.manifest, run.base, run.device, calibration, sigmas)
        for sigmas in (False, True)
    }
    for reader in readers.values():
        reader.spectra = Store(np.arange(len(binned)), binned)
    best = dict.fromkeys(readers, np.inf)
    for _ in range(3):
        for sigmas, reader in readers.items():
            best[sigmas] = min(best[sigmas], seconds(lambda: list(reader.replies(questions))))  # noqa: B023
    return best[True] / best[False]


def main() -> None:
    """Print a Markdown table of times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=1000)
    arguments = parser.parse_args()
    files = sorted(arguments.folder.rglob("*.fits*"))[: arguments.most]
    run = Run.open(arguments.model)
    first = seconds(lambda: predict(files[:1], arguments.model))
    print("| spectra | predict, s | reading and resampling, s | ratio |\n|---:|---:|---:|---:|")
    print(f"| 1, the first | {first:.2f} | | |")
    for number in (1, len(files)):
        whole = seconds(lambda: predict(files[:number], arguments.model))  # noqa: B023
        alone = seconds(lambda: read_all(files[:number], run))  # noqa: B023
        print(f"| {number} | {whole:.2f} | {alone:.3f} | {whole / alone:.1f} |")
    if run.manifest["kind"] == LLM:
        ratio = cost_of_errors(run, read_all(files[:ANSWERED], run))
        print(f"\nAnswers with errors take {ratio:.2f} of the time of those without.")


if __name__ == "__main__":
    main()
