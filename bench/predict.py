"""CPU time of `predict` against reading and resampling alone, and of errors against none.

    python bench/predict.py MODEL FOLDER [--most 1000]

MODEL is the folder of a run, FOLDER holds LAMOST files. Everything is done in one process, after a
first spectrum that loads libraries and weights. For a language model the questions of up to 64 of
the spectra are answered with and without errors, in turns; the best of three counts.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from spectralm import predict
from spectralm.inference.llm_run import open_run, questions_about
from spectralm.inference.run import LLM, Run
from spectralm.inference.user_spectra import Origin, read_own
from spectralm.llm.answering import Calibration
from spectralm.spectra.resample import resample

ANSWERED = 64


def seconds(work: Callable[[], object]) -> float:
    """CPU time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def read_all(files: list[Path], run: Run) -> np.ndarray:
    """Flux of files on the run's grid, int16 [files, grid]."""
    return np.stack([resample(read_own(file, Origin()), run.spectra).flux for file in files])


def cost_of_errors(run: Run, flux: np.ndarray) -> float:
    """Time of answers with errors over that without."""
    questions = questions_about(run.manifest, flux)
    calibration = Calibration.load(run.folder)
    readers = {
        told: open_run(run.folder, run.manifest, run.base, calibration, told)
        for told in (False, True)
    }
    best = dict.fromkeys(readers, np.inf)
    for _ in range(3):
        for told, reader in readers.items():
            best[told] = min(best[told], seconds(lambda: list(reader.replies(questions))))  # noqa: B023
    return best[True] / best[False]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=1000)
    given = parser.parse_args()
    files = sorted(given.folder.rglob("*.fits*"))[: given.most]
    run = Run.open(given.model)
    first = seconds(lambda: predict(files[:1], given.model))
    print("| spectra | predict, s | reading and resampling, s | ratio |\n|---:|---:|---:|---:|")
    print(f"| 1, the first | {first:.2f} | | |")
    for number in (1, len(files)):
        whole = seconds(lambda: predict(files[:number], given.model))  # noqa: B023
        alone = seconds(lambda: read_all(files[:number], run))  # noqa: B023
        print(f"| {number} | {whole:.2f} | {alone:.3f} | {whole / alone:.1f} |")
    if run.manifest["kind"] == LLM:
        ratio = cost_of_errors(run, read_all(files[:ANSWERED], run))
        print(f"\nAnswers with errors take {ratio:.2f} of the time of those without.")


if __name__ == "__main__":
    main()
