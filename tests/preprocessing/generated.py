"""Images for the tests of several transformers."""

import numpy as np

LEAF, SOIL, YELLOW = [60, 120, 40], [90, 70, 50], [190, 170, 90]


def leaf_images(covers, dtype=np.uint8):
    """Sequences of 4 x 5 pixels, of which the given numbers, (n, t), are leaf."""
    covers = np.asarray(covers)
    leaf = np.arange(20) < covers[..., None]
    return np.where(leaf[..., None], LEAF, SOIL).reshape(*covers.shape, 4, 5, 3).astype(dtype)


class Lazy:
    """A container that yields one sequence at a time and refuses to become an array."""

    def __init__(self, base):
        self.base, self.shape, self.ndim, self.dtype = base, base.shape, base.ndim, base.dtype

    def __len__(self):
        return len(self.base)

    def __getitem__(self, i):
        assert np.ndim(i) == 0
        return self.base[i]

    def __array__(self, dtype=None, copy=None):
        raise AssertionError("the whole container was converted")


def make_images(n=3, n_frames=4, shape=(8, 12, 3), dtype=np.uint8, seed=0):
    return np.random.default_rng(seed).integers(1, 256, (n, n_frames, *shape)).astype(dtype)
