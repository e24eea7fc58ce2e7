"""`python -m spectralm` for trainings of tiny models on CPUs, as they are on GPUs.

On CPUs, bitsandbytes packs 4-bit weights when it evaluates and unpacks them when it saves, with
other rounding, and sharded ones do not survive it; here it does not. DeepSpeed shards no weights of
fewer than 100,000 numbers, which is all of a tiny model; here it shards them all.
"""

import sys

from spectralm.libraries import set_up_libraries

set_up_libraries()  # before any of them is imported

from bitsandbytes.nn import modules  # noqa: E402

from spectralm.cli import main  # noqa: E402
from spectralm.llm import arguments  # noqa: E402

of_gpus = arguments.zero3


def of_cpus(cpu: bool) -> dict[str, object]:
    """DeepSpeed's settings, with which the smallest weights are sharded."""
    settings = of_gpus(cpu)
    settings["zero_optimization"]["stage3_param_persistence_threshold"] = 0
    return settings


arguments.zero3 = of_cpus
modules.has_avx512bf16 = lambda: False

if __name__ == "__main__":
    sys.exit(main())
