"""Digests of frames, by which splices and copies of plants are recognized."""

import hashlib

import numpy as np

_FEW_VALUES = 6  # fewer can be equal by chance


def frame_digests(X, rows):
    """Yield (row, frame, digest) of the array X; splices and copies have equal digests.

    One equal image or vector is proof enough. Single numbers can be equal by chance, above all
    fractions of few pixels, so that six consecutive values are digested, of which four differ; in
    shorter sequences splices cannot be told from plants.
    """
    n_values = int(np.prod(X.shape[2:]))
    window = -(-_FEW_VALUES // n_values)
    for i in rows:
        for t in range(X.shape[1] - window + 1):
            frames = X[i, t : t + window]
            if frames.dtype == object:  # paths, say: their bytes would be addresses
                frames = frames.astype(str)
            values = frames[frames == frames]  # those that are not NaN
            if n_values < _FEW_VALUES:
                distinctive = len(np.unique(values)) > 3
            else:
                distinctive = not (values == values[:1]).all()  # black images are equal anyway
            if distinctive:
                yield i, t, hashlib.blake2b(frames.tobytes(), digest_size=16).digest()
