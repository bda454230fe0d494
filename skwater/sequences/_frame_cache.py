"""Decoded frames in one file, filled as they are read."""

import hashlib
import io
import os
import pickle
import threading
import zlib
from pathlib import Path

import numpy as np

_MAGIC = b"skwater frames 1"
_HEADER = 64  # the magic and a fingerprint, padded
_SUM_BYTES = 4
_one_opens_at_a_time = threading.Lock()


class FrameCache:
    """A file of frames that processes share: a header, a checksum for each frame, the frames.

    The checksum is written after the frame and compared when it is read, so a frame that was half
    written when its process died is decoded again. A file of other images, or of the same ones
    under another crop, is replaced. The space is reserved when the file is made, so that a disk
    that is too small raises an error before training starts.

    The file is read and written at positions, and not mapped into memory: access to a map of a
    file that somebody has truncated would end the process.

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
        self._frame_bytes = int(np.prod(shape[1:])) * self.dtype.itemsize
        self._size = _HEADER + shape[0] * (_SUM_BYTES + self._frame_bytes)
        self._file = None
        self._open()

    def __getstate__(self):
        return self.__dict__ | {"_file": None}  # every process opens the file itself

    def _open(self):
        if not self._is_mine():
            self._create()
        self._file = _CacheFile(self.path, "r+")

    def _is_mine(self):
        if self.path.is_dir():
            raise IsADirectoryError(f"cache={str(self.path)!r} is a folder: give a file in it.")
        if not self.path.exists():
            return False
        head = b"a pipe"
        if self.path.is_file():
            with self.path.open("rb") as file:
                head = file.read(_HEADER)
        # One of ours may be truncated, and filled up with zeros when frames were written to it.
        start = head[: len(_MAGIC) - 1].rstrip(b"\0")
        unknown = head and not start and self._file is None
        if unknown or not _MAGIC.startswith(start):
            raise FileExistsError(
                f"cache={str(self.path)!r} is a file of something else, which is left as it is: "
                f"give another name."
            )
        return head == self._head and self.path.stat().st_size == self._size

    def _create(self):
        # Under a name of its own first: whoever opens the file finds it complete.
        name = f"{self.path.name}.{os.getpid()}.{threading.get_ident()}.tmp"
        draft = self.path.with_name(name)
        try:
            with draft.open("wb") as file:
                file.write(self._head)
                file.flush()
                _reserve(file, self._size)
            draft.replace(self.path)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise OSError(
                error.errno,
                f"The cache of {self._size / 1e6:.0f} MB cannot be made ({error.strerror}); give a "
                f"place that can be written to, or cache=None",
                str(self.path),
            ) from error

    def get(self, i):
        """Frame i, or None if it is missing or damaged."""
        file = self._opened()
        checksum = int.from_bytes(_read_at(file.fileno(), _SUM_BYTES, self._sum_at(i)), "little")
        if checksum == 0:
            return None
        frame = _read_at(file.fileno(), self._frame_bytes, self._frame_at(i))
        if len(frame) < self._frame_bytes or _checksum(frame) != checksum:
            return None
        return np.frombuffer(frame, self.dtype).reshape(self.shape[1:])

    def put(self, i, frame):
        """Save frame i."""
        file = self._opened()
        _write_at(file.fileno(), frame, self._frame_at(i))
        _write_at(file.fileno(), _checksum(frame).to_bytes(_SUM_BYTES, "little"), self._sum_at(i))
        _write_at(file.fileno(), self._head, 0)  # a file truncated since then has lost it

    def _opened(self):
        """The open file, which is made anew if it was truncated."""
        if not self._is_whole(self._file):
            with _one_opens_at_a_time:  # of two threads the second would replace the first's file
                if not self._is_whole(self._file):
                    self._open()
        return self._file

    def _is_whole(self, file):
        return file is not None and os.fstat(file.fileno()).st_size == self._size

    def _sum_at(self, i):
        return _HEADER + _SUM_BYTES * i

    def _frame_at(self, i):
        return self._sum_at(self.shape[0]) + self._frame_bytes * i


def identify(convert):
    """What tells a function from others: its name and arguments as pickled, and its code."""
    try:
        name = pickle.dumps(convert)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ValueError(
            f"convert={convert!r} has no name by which cache= can tell it from another function: "
            f"define it in a module, not as a lambda or inside a function."
        ) from error
    return name, describe_code(getattr(getattr(convert, "func", convert), "__code__", None))


def name_function(function):
    """What `identify` gives, as bytes; None for a function that has no name."""
    try:
        return repr(identify(function)).encode()
    except ValueError:
        return None


def describe_code(code):
    """Instructions, names and constants of a function, without the place where it stands."""
    if isinstance(code, frozenset):
        return sorted(map(repr, code))  # its order differs between processes
    if not hasattr(code, "co_code"):
        return repr(code)
    return code.co_code, code.co_names, [describe_code(constant) for constant in code.co_consts]


class _CacheFile(io.FileIO):
    """A file that closes itself, without a warning, when nobody refers to it."""

    def __del__(self):
        self.close()


def _checksum(frame):
    return zlib.crc32(frame) or 1  # 0 stands for a missing frame


def _reserve(file, size):
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    blank = bytes(1 << 20)
    for start in range(file.tell(), size, len(blank)):
        file.write(blank[: size - start])


if hasattr(os, "pread"):
    _read_at, _write_at = os.pread, os.pwrite
else:  # on Windows, where no forked process shares the position
    _position = threading.Lock()

    def _read_at(file, n, start):
        with _position:
            os.lseek(file, start, os.SEEK_SET)
            return os.read(file, n)

    def _write_at(file, data, start):
        with _position:
            os.lseek(file, start, os.SEEK_SET)
            os.write(file, data)
