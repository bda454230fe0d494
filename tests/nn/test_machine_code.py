"""Loops of machine code: each item once, however many threads."""

import pytest
import torch

pytest.importorskip("llvmlite", reason="there is no llvmlite for this platform")

from skwater.nn import _machine_code
from skwater.nn._machine_code import Lines, compile_loop, constant


@pytest.fixture(scope="module")
def count():
    """Add 1 to the place of each item of each sample."""
    lines = Lines()
    row = lines.let("mul i64 %sample, %width")
    at = lines.let(f"add i64 {row}, %item")
    start = lines.let("inttoptr i64 %counts to ptr")
    place = lines.let(f"getelementptr float, ptr {start}, i64 {at}")
    before = lines.let(f"load float, ptr {place}, align 4")
    after = lines.let(f"fadd float {before}, {constant(1)}")
    lines.add(f"store float {after}, ptr {place}, align 4")
    lines.add("br label %item.end")
    return compile_loop("count", ["counts", "width"], str(lines), "")


@pytest.mark.parametrize("n_threads", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (2, 1001), (0, 5), (5, 0)])
def test_each_item_once(count, shape, n_threads, monkeypatch):
    monkeypatch.setattr(_machine_code, "_SMALLEST_SHARE", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    counts = torch.zeros(shape)
    count(*shape, counts.numel(), counts.data_ptr(), shape[1])
    assert (counts == 1).all()


def test_nothing_is_compiled_for_another_library_of_threads(monkeypatch):
    monkeypatch.setattr(_machine_code, "_threads", lambda: None)
    _machine_code.vector_size.cache_clear()
    try:
        assert _machine_code.vector_size() is None
    finally:
        _machine_code.vector_size.cache_clear()
