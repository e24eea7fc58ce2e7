"""`python -m spectralm` for trainings of tiny models on CPUs as on GPUs.

bitsandbytes does not pack 4-bit weights anew, and DeepSpeed shards even the smallest tensors
(docs/training_facts.md). A read-in refuses spectra that were rounded to bf16.
"""

import sys

from spectralm.libraries import set_up_libraries

set_up_libraries()  # before any of them is imported

import torch  # noqa: E402
from bitsandbytes.nn import modules  # noqa: E402

from spectralm.cli import main  # noqa: E402
from spectralm.llm import arguments  # noqa: E402
from spectralm.llm.read_in.module import ReadIn  # noqa: E402

of_gpus = arguments.zero3
plain = ReadIn.forward


def of_cpus(cpu: bool, bf16: bool) -> dict[str, object]:
    """DeepSpeed's settings, with the smallest tensors sharded."""
    settings = of_gpus(cpu, bf16)
    settings["zero_optimization"]["stage3_param_persistence_threshold"] = 0
    return settings


def of_float32(read_in: ReadIn, spectra: torch.Tensor) -> torch.Tensor:
    """Soft tokens of spectra in float32."""
    assert spectra.dtype == torch.float32
    return plain(read_in, spectra)


arguments.zero3 = of_cpus
ReadIn.forward = of_float32
modules.has_avx512bf16 = lambda: False

if __name__ == "__main__":
    sys.exit(main())
