"""Large buffers that the next training step reuses, and freed memory that the process keeps."""

import ctypes
import math
import sys
import weakref
from functools import cache

import torch

# Parameters of mallopt, see malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

# Whole batches and the last one of an epoch, with missing frames and without.
_MOST_PASSES = 4


def keep_freed_memory(training):
    """Let the C library keep freed memory: in training all of it, otherwise some 60 MB.

    Allocating memory from the system takes longer than the arithmetic on it. By default glibc
    does so for each block of more than 128 KB, and returns the end of its memory as soon as it is
    free. Whether that happens after a training step depends on where small blocks lie by chance.
    """
    if _glibc() is not None:
        _glibc().mallopt(_MMAP_THRESHOLD, 2**25)  # the largest that it takes
        _glibc().mallopt(_TRIM_THRESHOLD, 2**31 - 1 if training else 2**26)


def give_freed_memory_back():
    """Return the memory that training has kept to the system."""
    if _glibc() is not None:
        keep_freed_memory(training=False)
        _glibc().malloc_trim(0)


@cache
def _glibc():
    """Return the C library if it is glibc, else None."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    return library if hasattr(library, "mallopt") else None


class Workspace:
    """What one layer keeps from step to step of training: buffers, and passes that use them.

    Allocating memory from the system takes longer than the arithmetic on it. So both stay until
    the network is put into evaluation mode. Copies and pickles do not have them.
    """

    def __init__(self):
        self._buffers, self._passes, self._user = Buffers(), {}, None

    def claim(self, key, make):
        """Return the pass of a key for one graph, and a tensor that the graph must save.

        Autograd drops what it has saved after the last backward pass; until then other graphs get
        passes with buffers of their own. `make` takes the buffers and makes a pass.
        """
        token = torch.empty(0, dtype=torch.uint8, device="cpu")
        if self._user is not None and self._user() is not None:
            return make(Buffers()), token
        self._user = weakref.ref(token)
        if key not in self._passes:
            if len(self._passes) == _MOST_PASSES:
                del self._passes[next(iter(self._passes))]  # the oldest
            self._passes[key] = make(self._buffers)
        return self._passes[key], token

    def clear(self):
        """Drop buffers and passes; a graph that uses them keeps them."""
        self.__init__()

    def __reduce__(self):
        return Workspace, ()


class Buffers:
    """Tensors by name, of any shape; their content is undefined."""

    def __init__(self):
        self._flat, self._outgrown = {}, []

    def get(self, name, shape, like):
        """Tensor with the dtype and device of `like`, in the memory last used under this name."""
        flat, size = self._flat.get(name), math.prod(shape)
        if (
            flat is None
            or len(flat) < size
            or (flat.dtype, flat.device) != (like.dtype, like.device)
        ):
            if flat is not None and flat.is_cuda:
                self._outgrown.append(flat)  # what a GPU has recorded still writes there
            flat = self._flat[name] = torch.empty(size, dtype=like.dtype, device=like.device)
        return flat[:size].view(shape)
