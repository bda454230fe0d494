"""Images for the tests of several files."""

import cv2
import numpy as np


def smooth(height=24, width=36, channels=3, seed=0):
    """Image of uint8 that survives JPEG."""
    coarse = np.random.default_rng(seed).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    return cv2.resize(coarse, (width, height))[..., :channels]


def double(image):
    return 2 * image


def halve(image):
    return image // 2
