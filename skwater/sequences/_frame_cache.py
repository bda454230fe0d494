"""Decoded frames in one memory-mapped file, filled as they are read."""

import hashlib
import os
import zlib
from pathlib import Path

import numpy as np

_MAGIC = b"skwater frames 1"
_HEADER = 64  # the magic and a fingerprint, padded


class FrameCache:
    """A file of frames that processes share: a header, a checksum for each frame, the frames.

    The checksum is written after the frame and compared when it is read, so a frame that was half
    written when its process died is decoded again. A file of other photos, or of the same ones
    under another crop, is replaced. The space is reserved when the file is made: a disk too small
    says so before training starts.

    Parameters
    ----------
    path : str or path-like
        The file.
    fingerprint : bytes
        What the frames depend on: files, their sizes and dates, the crop.
    shape : tuple of int
        Of all frames, (n, height, width, n_channels).
    dtype : numpy.dtype
        Of the frames.
    """

    def __init__(self, path, fingerprint, shape, dtype):
        self.path = Path(path).absolute()
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._head = (_MAGIC + hashlib.sha256(fingerprint).digest()).ljust(_HEADER, b"\0")
        self._map = None
        self._open()

    def __getstate__(self):
        return self.__dict__ | {"_map": None}  # every process maps the file itself

    def _open(self):
        n, frame = self.shape[0], int(np.prod(self.shape[1:])) * self.dtype.itemsize
        size = _HEADER + 4 * n + n * frame
        if not self._is_mine(size):
            self._create(size)
        file = np.memmap(self.path, np.uint8, "r+", shape=(size,))
        sums = file[_HEADER : _HEADER + 4 * n].view(np.uint32)
        frames = file[_HEADER + 4 * n :].view(self.dtype).reshape(self.shape)
        self._map = sums, frames  # at once: other threads may be looking

    def _is_mine(self, size):
        if self.path.is_dir():
            raise IsADirectoryError(f"cache={str(self.path)!r} is a folder: give a file in it.")
        if not self.path.exists():
            return False
        with self.path.open("rb") as file:
            head = file.read(_HEADER)
        if not head.startswith(_MAGIC[:-1]):
            raise FileExistsError(
                f"cache={str(self.path)!r} is a file of something else, which is left as it is: "
                f"give another name."
            )
        return head == self._head and self.path.stat().st_size == size

    def _create(self, size):
        # Under a name of its own first: whoever opens the file finds it whole.
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            with draft.open("wb") as file:
                file.write(self._head)
                file.flush()
                _reserve(file, size)
            draft.replace(self.path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise OSError(
                error.errno,
                f"The cache of {size / 1e6:.0f} MB cannot be made ({error.strerror}); give a place "
                f"that can be written to, or cache=None",
                str(self.path),
            ) from error

    def get(self, i):
        """Frame i, or None where it is not there or damaged."""
        sums, frames = self._arrays()
        if sums[i] == 0:
            return None
        return frames[i] if _checksum(frames[i]) == sums[i] else None

    def put(self, i, frame):
        """Keep frame i."""
        sums, frames = self._arrays()
        frames[i] = frame
        sums[i] = _checksum(frame)

    def _arrays(self):
        if self._map is None:
            self._open()
        return self._map


def _checksum(frame):
    return zlib.crc32(frame) or 1  # 0 stands for a frame that is not there


def _reserve(file, size):
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    blank = bytes(1 << 20)
    for start in range(file.tell(), size, len(blank)):
        file.write(blank[: size - start])
