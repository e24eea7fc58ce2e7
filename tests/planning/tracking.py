"""Peak memory of all tensors, in the precision of a GPU."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class Peak(TorchDispatchMode):
    """Records every storage that is allocated in its block until it is freed."""

    def __init__(self):
        super().__init__()
        self.live = self.bytes = 0
        self.recorded: set[int] = set()

    def __torch_dispatch__(self, function, types, arguments=(), settings=None):
        made = function(*arguments, **(settings or {}))
        given = {storage._cdata for storage in self._storages(arguments)}
        for storage in self._storages(made):
            if storage._cdata not in self.recorded | given:
                self.recorded.add(storage._cdata)
                weakref.finalize(storage, self._gone, storage._cdata, storage.nbytes())
                self.live += storage.nbytes()
                self.bytes = max(self.bytes, self.live)
        return made

    def _gone(self, key: int, size: int) -> None:
        self.recorded.discard(key)
        self.live -= size

    def _storages(self, tree):
        return (t.untyped_storage() for t in tree_iter(tree) if isinstance(t, torch.Tensor))


@contextmanager
def bf16_as_on_a_gpu() -> Iterator[None]:
    """Autocast on the CPU. PEFT only checks autocast on GPUs, without which it makes copies."""
    torch.set_autocast_enabled("cuda", True)
    try:
        with torch.autocast("cpu", torch.bfloat16):
            yield
    finally:
        torch.set_autocast_enabled("cuda", False)
