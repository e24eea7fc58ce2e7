"""Time and memory of Snakemake's dry run, for the paper's experiment and for all models.

No survey file is needed, as Snakemake only needs names. Each dry run is a separate process; the
memory is the peak. Prints a Markdown table.

    python bench/dry_run.py
"""

import multiprocessing
import resource
import time
from pathlib import Path

import yaml

from spectralm.planning.dag import dag

ROOT = Path(__file__).resolve().parent.parent


def measure(config: dict) -> tuple[int, float, float, float]:
    """Jobs, wall seconds, CPU seconds and peak memory (GiB) of a dry run."""
    start = time.perf_counter()
    jobs = dag(config, ROOT / "Snakefile").jobs
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(jobs.values()), seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20


def main() -> None:
    """Print the table."""
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    texts = {f"llm_{text}": {**config["models"]["llm"], "text": text} for text in config["texts"]}
    models = {**config["models"], **texts}
    stage_1 = [name for name in models if name not in ("llm_abundances", "from_parameters")]
    scales = [100_000, 500_000, 1_500_000]
    every = {
        **config,
        "models": models,
        "experiment": [*config["experiment"], {"models": stage_1, "scales": scales}],
    }
    print("| experiment | jobs | s | CPU s | GiB |\n|---|---|---|---|---|")
    for name, experiment in (("config/config.yaml", config), ("every model at every scale", every)):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            jobs, wall, cpu, memory = pool.apply(measure, (experiment,))
        print(f"| {name} | {jobs} | {wall:.1f} | {cpu:.1f} | {memory:.2f} |")


if __name__ == "__main__":
    main()
