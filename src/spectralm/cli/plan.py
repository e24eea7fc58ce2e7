"""The resources that an experiment needs: jobs, disk, GPU-hours and memory."""

from dataclasses import asdict
from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.utils import update_config

from spectralm.config import check
from spectralm.files import write_json
from spectralm.planning.dag import dag
from spectralm.planning.gpus import gpu_named
from spectralm.planning.plan import plan
from spectralm.planning.report import markdown


def run(
    *,
    configfile: list[Path] | None = None,
    gpu: str = "H100",
    snakefile: Path = Path("Snakefile"),
    out: Path | None = None,
) -> None:
    """Print what an experiment needs before it runs: spectra, jobs, disk, GPU time and memory.

    Run it in the root of the repository. As with Snakemake, the given files extend
    config/config.yaml. Files of surveys need not exist. --gpu is a name in
    src/spectralm/planning/gpus.csv; --out writes the plan as JSON.
    """
    config = load_configfile(snakefile.parent / "config" / "config.yaml")
    for path in configfile or []:
        update_config(config, load_configfile(path))
    result = plan(check(config), dag(config, snakefile), gpu_named(gpu))
    print(markdown(result))
    if out is not None:
        write_json(out, asdict(result))
