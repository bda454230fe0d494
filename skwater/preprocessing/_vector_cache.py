"""Vectors on disk: one folder for each encoder, one file for each batch."""

import hashlib
import io
import time
import warnings
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import numpy as np

_ENDING = ".npz"
_HALF = ".part"
_KEY_BYTES = 32
_OLD = 3600  # seconds after which a half-written file belongs to nobody


class VectorCache:
    """Vectors of images, kept by key.

    A file holds some keys and their vectors, and is named by the digest of its content. It is
    written under another name first, so it is complete or absent, also after a kill; it never
    changes, so processes can share the folder without locks, also over a network. A file whose
    content does not match its name is removed, with a warning.

    Parameters
    ----------
    folder : str or path-like
        The cache; it is made if it does not exist.
    fingerprint : str
        What the vectors depend on besides the key: the encoder.
    """

    def __init__(self, folder, fingerprint):
        self._folder = Path(folder).absolute() / fingerprint
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OSError(
                error.errno,
                f"The cache cannot be made ({error.strerror}); give a folder that can be written "
                f"to, or cache=None",
                str(folder),
            ) from error
        for half in self._folder.glob(f"*{_HALF}"):
            with suppress(FileNotFoundError):  # another process has removed or renamed it
                if time.time() - half.stat().st_mtime > _OLD:
                    half.unlink()

    def load(self, keys):
        """Look up keys.

        Parameters
        ----------
        keys : list of bytes
            Distinct keys.

        Returns
        -------
        vectors : ndarray of shape (n_keys, d), dtype float32, or None
            Vectors, NaN if there is none; None if no key has one.
        """
        places = {key: place for place, key in enumerate(keys)}
        vectors, damaged = None, []
        for path in self._folder.glob(f"*{_ENDING}"):
            try:
                found = _decode(path)
            except FileNotFoundError:  # another process has found it damaged
                continue
            if found is None:
                damaged.append(path)
                continue
            wanted = [(places[key], i) for i, key in enumerate(found[0]) if key in places]
            if wanted:
                to, of = np.array(wanted).T
                if vectors is None:
                    vectors = np.full((len(keys), found[1].shape[1]), np.nan, np.float32)
                vectors[to] = found[1][of]
        _remove(damaged)
        return vectors

    def save(self, keys, vectors):
        """Save vectors (k, d) under their keys."""
        file = io.BytesIO()
        table = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), _KEY_BYTES)
        np.savez(file, keys=table, vectors=vectors)
        data = file.getvalue()
        path = self._folder / f"{hashlib.sha256(data).hexdigest()}{_ENDING}"
        half = path.with_name(f"{uuid4().hex}{_HALF}")
        try:
            half.write_bytes(data)
            half.replace(path)
        finally:
            half.unlink(missing_ok=True)


def _decode(path):
    """Keys and vectors of a file, or None if it is damaged."""
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != path.stem:
        return None
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        keys, vectors = file["keys"].tobytes(), file["vectors"]
    return [keys[i : i + _KEY_BYTES] for i in range(0, len(keys), _KEY_BYTES)], vectors


def _remove(damaged):
    if not damaged:
        return
    for path in damaged:
        path.unlink(missing_ok=True)
    others = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
    warnings.warn(
        f"{damaged[0]}{others} in the cache of encoded images: damaged, and removed. Their images "
        f"are encoded again.",
        stacklevel=5,  # where transform was called
    )
