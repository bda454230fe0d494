"""The bytes of a model file: a safetensors file whose metadata hold one JSON text.

The text comes after the number of the format and its checksum, and holds a checksum of the arrays.
Checksums find damage. They are no signature: what is read is checked as if there were none.
"""

import io
import json
import os
from hashlib import sha256

import numpy as np

from ..exceptions import ModelFileError
from ..sequences._headers import ImageError, open_image

FORMAT = 1
# Python objects take up to 25 times the space of their JSON, and longer to make than to read.
MAX_HEADER = 2**20
_MAX_FILE = 2**31
DTYPES = {
    "BOOL": "|b1",
    "I8": "|i1",
    "U8": "|u1",
    "I16": "<i2",
    "U16": "<u2",
    "F16": "<f2",
    "I32": "<i4",
    "U32": "<u4",
    "F32": "<f4",
    "I64": "<i8",
    "U64": "<u8",
    "F64": "<f8",
}
_OTHERS = {b"\x80": "a pickle", b"PK": "a zip archive, such as torch and skops write"}


def pack(content, arrays):
    """Bytes of a model file.

    Parameters
    ----------
    content : dict
        What goes into the JSON text.
    arrays : dict of str to ndarray
        Arrays in C order, of the types in `DTYPES`.

    Returns
    -------
    bytes
        The file.
    """
    from safetensors.numpy import save

    content = content | {"arrays": _checksum_of(arrays)}
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    data = save(arrays, {"skwater": f"{FORMAT} {_hash(text)} {text}"})
    n_header = int.from_bytes(data[:8], "little")
    if n_header > MAX_HEADER or len(data) > _MAX_FILE:
        raise ValueError(
            f"The model is too large for a model file: {n_header} bytes without its arrays, of at "
            f"most {MAX_HEADER}, and {len(data)} bytes with them, of at most {_MAX_FILE}."
        )
    return data


def unpack(data):
    """Content and arrays of the bytes of a model file."""
    return _read("the file", io.BytesIO(data), len(data))


def read(path):
    """Content and arrays of a model file."""
    with _open(path) as file:
        return _read(os.fspath(path), file, _size(file))


def read_content(path):
    """Content of a model file, without its arrays."""
    with _open(path) as file:
        header = _read_header(os.fspath(path), file, _size(file))
    return _parse(os.fspath(path), header)


def _read(path, file, n_file):
    header = _read_header(path, file, n_file)
    content = _parse(path, header)
    data = file.read(n_file - 8 - len(header))
    return content, _read_arrays(path, header, data, content.get("arrays"))


def _open(path):
    try:
        return open_image(path)  # which opens regular files only
    except ImageError as error:
        raise ModelFileError(os.fspath(path), "file", str(error)) from None


def _size(file):
    return os.fstat(file.fileno()).st_size


def _read_header(path, file, n_file):
    """Bytes of the header; nothing is read that the file does not have."""
    start = file.read(9)
    n_header = int.from_bytes(start[:8], "little")
    if start[8:] != b"{":
        what = next((what for magic, what in _OTHERS.items() if start.startswith(magic)), None)
        reason = f"it is {what}, and not" if what else "it is not"
        raise ModelFileError(path, "file", f"{reason} a skwater model file")
    if n_header > MAX_HEADER or n_file > _MAX_FILE:
        reason = f"it declares {n_header} bytes of header in {n_file} bytes, more than is legal"
        raise ModelFileError(path, "header", reason)
    if n_header > n_file - 8:
        raise ModelFileError(path, "header", "the file is truncated")
    return b"{" + file.read(n_header - 1)


def _parse(path, header):
    try:
        metadata = json.loads(header)["__metadata__"]["skwater"]
        number, checksum, text = metadata.split(" ", 2)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ModelFileError(path, "header", "it is damaged, or not of skwater") from None
    if number != str(FORMAT):
        reason = f"the file has format {number[:20]!r}, and this version of skwater reads {FORMAT}"
        raise ModelFileError(path, "format", f"{reason}: update skwater")
    if checksum != _hash(text):
        raise ModelFileError(path, "header", "it is damaged: its checksum is another one")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        raise ModelFileError(path, "header", "it holds no JSON") from None
    if not isinstance(content, dict):
        raise ModelFileError(path, "header", "it holds no dictionary")
    return content


def _read_arrays(path, header, data, checksum):
    """Arrays of a file, after safetensors has compared their sizes with the bytes there are."""
    from safetensors import SafetensorError, deserialize

    try:
        found = deserialize(len(header).to_bytes(8, "little") + header + data)
    except SafetensorError as error:
        raise ModelFileError(path, "arrays", f"they do not fit the file: {error}") from None
    arrays = {}
    for name, tensor in found:
        if tensor["dtype"] not in DTYPES:
            raise ModelFileError(path, "arrays", f"one has the type {tensor['dtype']}")
        values = np.frombuffer(tensor["data"], DTYPES[tensor["dtype"]])
        arrays[name] = values.reshape(tensor["shape"])
    if checksum != _checksum_of(arrays):
        raise ModelFileError(path, "arrays", "they are damaged: their checksum is another one")
    return arrays


def _checksum_of(arrays):
    digest = sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape} ".encode("utf-8", "replace"))
        digest.update(memoryview(array).cast("B") if array.size else b"")
    return digest.hexdigest()


def _hash(text):
    return sha256(text.encode("utf-8", "replace")).hexdigest()
