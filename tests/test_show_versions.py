"""What show_versions prints: versions, and why a fast path is not active."""

import sys
from importlib.metadata import PackageNotFoundError, requires, version

import pytest
import torch

import skwater
from skwater import _show_versions
from skwater.nn import _machine_code


def printed(capsys):
    """Sections of what is printed, each a dict."""
    skwater.show_versions()
    first, *sections = capsys.readouterr().out.split("\n\n")
    assert first == f"skwater {version('skwater')}"
    found = {}
    for section in sections:
        title, *lines = section.splitlines()
        found[title] = {line[2:20].strip(): line[20:] for line in lines}
    return found


def test_all_is_there(capsys):
    found = printed(capsys)
    assert list(found) == ["system", "packages", "fast paths", "threads"]
    assert found["system"]["python"].startswith("{}.{}.{}".format(*sys.version_info))
    assert found["packages"]["torch"] == version("torch")
    assert {"numpy", "scikit-learn", "numba", "llvmlite", "aeon"} <= set(found["packages"])
    assert "ruff" not in found["packages"]
    assert set(found["fast paths"]) == {"images", "vectors", "bfloat16", "GPU"}
    assert found["threads"]["torch"] == str(torch.get_num_threads())


def test_names_of_all_dependencies_fit_the_column(capsys):
    assert all(value == value.strip() for value in printed(capsys)["packages"].values())
    assert max(len(name) for name in printed(capsys)["packages"]) < 18
    assert requires("skwater")  # from which they are read


def test_packages_that_are_not_installed(capsys, monkeypatch):
    def nothing(name):
        if name == "skwater":
            return version(name)
        raise PackageNotFoundError(name)

    monkeypatch.setattr(_show_versions, "version", nothing)
    packages = printed(capsys)["packages"]
    assert packages["numba"] == "not installed"
    assert packages["aeon"] == "not installed (extra 'baselines')"


def test_active_paths(capsys, monkeypatch):
    monkeypatch.setattr(_machine_code, "vector_size", lambda: (8, 12))
    monkeypatch.setattr("skwater.classifiers._jit.compiles", lambda: True)
    paths = printed(capsys)["fast paths"]
    assert paths["images"] == "compiled kernels"
    assert paths["vectors"] == "compiled epochs"


def broken(monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)


def too_old(monkeypatch):
    binding = pytest.importorskip("llvmlite.binding")
    monkeypatch.setattr(binding, "llvm_version_info", (15, 0, 0))


def without_openmp(monkeypatch):
    pytest.importorskip("llvmlite.binding")
    monkeypatch.setattr(_machine_code, "_threads", lambda: None)


def old_processor(monkeypatch):
    pytest.importorskip("llvmlite.binding")
    monkeypatch.setattr(_machine_code, "_threads", lambda: object())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda patch: broken(patch, "llvmlite"), "llvmlite cannot be imported (import of "),
        (too_old, "llvmlite is too old"),
        (without_openmp, "the threads of PyTorch are not those of OpenMP"),
        (old_processor, "the processor has no fused multiply-add"),
    ],
)
def test_why_images_are_slow(capsys, monkeypatch, change, reason):
    monkeypatch.setattr(_machine_code, "vector_size", lambda: None)
    change(monkeypatch)
    assert printed(capsys)["fast paths"]["images"].startswith(f"PyTorch only: {reason}")


def test_why_vectors_are_slow(capsys, monkeypatch):
    numba = pytest.importorskip("numba")
    with monkeypatch.context() as patch:
        patch.setattr(numba.config, "DISABLE_JIT", 1)
        found = printed(capsys)["fast paths"]["vectors"]
        assert found == "PyTorch only: NUMBA_DISABLE_JIT is set"
    broken(monkeypatch, "numba")
    found = printed(capsys)["fast paths"]["vectors"]
    assert found.startswith("PyTorch only: numba cannot be imported (import of numba halted")
