"""Memory that must not be left, and another default dtype."""

import ctypes
import mmap
import sys

import pytest
import torch


@pytest.fixture(params=["start", "end"])
def guarded(request):
    """Copy tensors to memory with a forbidden page directly before or after it."""
    if sys.platform != "linux":
        pytest.skip("pages are protected on Linux only")
    page, protect = mmap.PAGESIZE, ctypes.CDLL(None).mprotect

    def copy(tensor):
        tensor = tensor.contiguous()
        n_bytes = tensor.numel() * tensor.element_size()
        middle = -(-n_bytes // page) * page
        memory = mmap.mmap(-1, middle + 2 * page)
        offset = page if request.param == "start" else page + middle - n_bytes
        inside = torch.frombuffer(memory, dtype=tensor.dtype, count=tensor.numel(), offset=offset)
        first = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        for guard in (first, first + page + middle):
            assert protect(ctypes.c_void_p(guard), page, 0) == 0
        return inside.view(tensor.shape).copy_(tensor)

    return copy


@pytest.fixture
def default_dtype():
    """Change torch's default dtype until the end of the test."""
    before = torch.get_default_dtype()
    yield torch.set_default_dtype
    torch.set_default_dtype(before)
