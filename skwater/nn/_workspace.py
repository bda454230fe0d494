"""Large buffers that are used again in the next training step."""

import math
import weakref
from functools import cache

import torch


@cache
def keep_freed_memory():
    """Let the C library keep what is freed, up to some 60 MB, rather than give it back each time.

    By default glibc asks the system for each block of more than 128 KB. When it sees a larger one
    freed it takes that size for the new limit, so one block that is never written to is enough.
    """
    torch.empty(2**25 - 2**16, dtype=torch.uint8)  # the largest that counts is 32 MB


class Workspace:
    """Buffers of one layer in training.

    To fetch fresh memory from the system takes longer than the arithmetic on it. So the buffers
    stay, until the network goes into evaluation; copies and pickles do not have them.
    """

    def __init__(self):
        self._buffers = {}
        self._user = None

    def claim(self):
        """Return buffers for one graph, and a tensor that the graph must save.

        Autograd drops what it has saved after the last way back; until then others who ask get
        buffers of their own.
        """
        token = torch.empty(0)
        if self._user is not None and self._user() is not None:
            return Buffers({}), token
        self._user = weakref.ref(token)
        return Buffers(self._buffers), token

    def clear(self):
        """Forget the buffers; a graph that uses them keeps them."""
        self.__init__()

    def __reduce__(self):
        return Workspace, ()


class Buffers:
    """Tensors by name, of any shape; their content is undefined."""

    def __init__(self, flat=None):
        self._flat = {} if flat is None else flat

    def get(self, name, shape, like):
        """Tensor with the dtype and device of `like`, in the memory that bore this name before."""
        flat, size = self._flat.get(name), math.prod(shape)
        if (
            flat is None
            or len(flat) < size
            or (flat.dtype, flat.device) != (like.dtype, like.device)
        ):
            flat = self._flat[name] = torch.empty(size, dtype=like.dtype, device=like.device)
        return flat[:size].view(shape)
