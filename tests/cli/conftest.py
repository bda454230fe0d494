"""Simulated images, a model file of them, and the command."""

import os
import shlex
import subprocess
import sys

import pytest
from click.testing import CliRunner

import skwater
from skwater.cli import main
from skwater.datasets import load_manifest, make_image_folder

pytest.importorskip("cv2")


@pytest.fixture
def run():
    """Run ``skwater`` with a command line in this process."""

    def run(line, *args):
        return CliRunner().invoke(main, [*shlex.split(line), *map(str, args)])

    return run


@pytest.fixture(scope="session")
def season(tmp_path_factory):
    """Folder of images of 18 plants on 5 dates."""
    folder = tmp_path_factory.mktemp("season")
    make_image_folder(folder, size=8, random_state=0)
    return folder


@pytest.fixture(scope="session")
def model(season):
    """A model file, trained in Python."""
    plants = load_manifest(season / "images.csv", size=8, start="2025-05-01")
    classifier = skwater.ConvLSTMClassifier(max_epochs=4, random_state=0)
    file = season.parent / "model.skwater"
    skwater.save(classifier.fit(plants.data, plants.target), file)
    return file


@pytest.fixture(scope="session")
def start_process():
    """Start ``python -m skwater`` as a process."""

    def start_process(*args, **options):
        return subprocess.Popen(
            [sys.executable, "-m", "skwater", *map(str, args)],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    return start_process
