"""Hostile files, a few of each kind in every run of the tests; `make fuzz` tries many more."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource", reason="the memory of a process is not measured on Windows")

from hostile import Targets

PROGRAM = "import json, sys; sys.path.insert(0, {!r}); import hostile; {}"


def run_apart(statement, folder):
    """What a statement prints in a process of its own, which it may crash."""
    program = PROGRAM.format(str(Path(__file__).parent), statement)
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )


def test_2000_changed_model_files(tmp_path):
    """Errors or equal predictions; nothing executed, no crash, less than 300 MB."""
    run = run_apart("print(json.dumps(hostile.try_models(2000)))", tmp_path)
    assert run.returncode == 0, run.stderr
    measured = json.loads(run.stdout)
    assert measured["grown"] < 300
    assert measured["loaded"] < 1000, "most changes must be noticed"
    assert not (tmp_path / "executed").exists()


@pytest.fixture(scope="module")
def targets(tmp_path_factory):
    return Targets(tmp_path_factory.mktemp("hostile"), max_examples=60, derandomize=True)


@pytest.mark.parametrize("name", ["model files", "manifests", "image headers"])
def test_reader(targets, name):
    targets.all[name]()
