"""Sequences and image files for the tests of this folder."""

import numpy as np
import pytest
from drawn import smooth
from PIL import Image

from skwater import SplicedSequences


@pytest.fixture
def base(make_sequences):
    return make_sequences(6, 5, ndim=5)


@pytest.fixture
def donors():
    return np.random.default_rng(1).integers(6, size=(9, 5))


@pytest.fixture
def spliced(base, donors):
    return SplicedSequences(base, donors)


@pytest.fixture
def save(tmp_path):
    """Save an image (an array, or one of PIL) under a name, return the path."""

    def save(name, image=None, **options):
        image = smooth() if image is None else image
        image = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        image.save(tmp_path / name, **options)
        return str(tmp_path / name)

    return save


@pytest.fixture
def table(save):
    """Four plants on three dates; one image is missing. The images, and the table of files."""
    images = np.array([[smooth(seed=10 * i + j) for j in range(3)] for i in range(4)])
    paths = [[save(f"{i}{j}.png", images[i, j]) for j in range(3)] for i in range(4)]
    paths[1][2] = None
    return images, paths
