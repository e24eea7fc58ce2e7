"""`python -m spectralm` for trainings of tiny models on CPUs as on GPUs.

bitsandbytes does not pack 4-bit weights anew, and DeepSpeed shards even the smallest tensors
(docs/training_facts.md).
"""

import sys

from spectralm.libraries import set_up_libraries

set_up_libraries()  # before any of them is imported

from bitsandbytes.nn import modules  # noqa: E402

from spectralm.cli import main  # noqa: E402
from spectralm.llm import arguments  # noqa: E402

of_gpus = arguments.zero3


def of_cpus(cpu: bool) -> dict[str, object]:
    """DeepSpeed's settings, with the smallest tensors sharded."""
    settings = of_gpus(cpu)
    settings["zero_optimization"]["stage3_param_persistence_threshold"] = 0
    return settings


arguments.zero3 = of_cpus
modules.has_avx512bf16 = lambda: False

if __name__ == "__main__":
    sys.exit(main())
