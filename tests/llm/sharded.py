"""`python -m spectralm` for trainings under ZeRO-3 on CPUs, where it would do less than on GPUs.

DeepSpeed shards no weights of fewer than 100,000 numbers, which is all of a tiny model; here it
shards them all. On CPUs, bitsandbytes repacks 4-bit weights when they are first used, which sharded
ones do not survive; here it does not.
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
