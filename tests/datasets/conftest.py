"""Small images on disk."""

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def write_image():
    """Write an image of one color, 6 x 8 pixels unless told otherwise."""

    def write(file, value=0, size=(6, 8)):
        file.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(file), np.full((*size, 3), value, np.uint8))

    return write
