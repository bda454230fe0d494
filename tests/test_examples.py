"""Every example runs on small data, in a new process and without internet access."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted(Path(__file__).parents[1].joinpath("examples").glob("plot_*.py"))

# Python imports the module sitecustomize at startup.
SITECUSTOMIZE = """
import socket

def refuse(*args, **kwargs):
    raise OSError("an example tried to open a connection")

socket.getaddrinfo = socket.socket.connect = socket.socket.connect_ex = refuse
"""


def test_there_are_examples():
    assert "plot_00_quickstart.py" in [path.name for path in EXAMPLES]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(path, tmp_path):
    run(path, tmp_path)


def test_quickstart_runs_on_the_real_indicators(tmp_path, test_data):
    printed = run(
        EXAMPLES[0].with_name("plot_00_quickstart.py"), tmp_path, "--real", home=test_data
    )
    assert "real indicators" in printed
    assert "logistic regression, means" in printed
    assert sorted(path.name for path in tmp_path.joinpath("demo").iterdir()) == [
        "pipeline.skwater",
        "scores.json",
        "scores.png",
        "scores.txt",
    ]


def run(path, tmp_path, *args, home=""):
    tmp_path.joinpath("sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    settings = {
        "MPLBACKEND": "Agg",
        "NO_ALBUMENTATIONS_UPDATE": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])),
        "SKWATER_DATA": str(home or tmp_path),
        "SKWATER_EXAMPLES_FAST": "1",
    }
    done = subprocess.run(
        [sys.executable, path, *args],
        cwd=tmp_path,
        env=os.environ | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip(), "the example printed nothing"
    return done.stdout
