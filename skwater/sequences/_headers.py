"""What an image file says before it is decoded: its size, depth and orientation.

Headers are read here and not by a decoder: before anything is allocated, and with the same rules
for damage and orientation whatever the version of the decoder. Functions raise `ImageError` with
the reason alone; the caller knows which file it was.
"""

import os
import stat
import struct
from typing import NamedTuple

MAX_PIXELS = 100_000_000
# Decoding takes time in proportion to scans times pixels. Encoders write about ten.
_MAX_SCANS = 32
# Tags of TIFF (and of EXIF, which is a TIFF) that are read, and how many values of each. A strip
# is at least a row high, so that an image has at most as many strips as rows.
_WIDTH, _HEIGHT, _DEPTH, _COLOR, _ORIENTATION, _FORMAT = 256, 257, 258, 262, 274, 339
_STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS = 273, 279, 324, 325
_ONE_VALUE = (_WIDTH, _HEIGHT, _COLOR, _ORIENTATION)
_PER_CHANNEL = (_DEPTH, _FORMAT)
_PER_PART = (_STRIP_OFFSETS, _STRIP_LENGTHS, _TILE_OFFSETS, _TILE_LENGTHS)
_TIFF_TAGS = dict.fromkeys(_ONE_VALUE, 1) | dict.fromkeys(_PER_CHANNEL, 64)
_TIFF_TAGS |= dict.fromkeys(_PER_PART, 100_000)
_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_PNG_END = b"IEND\xaeB`\x82"


class ImageError(ValueError):
    """A file that cannot be used as an image, and why."""


class Header(NamedTuple):
    """What a file says about its image. Height and width are those of the upright image."""

    height: int
    width: int
    depth: int  # bits of each value as it is decoded, 8 or 16
    orientation: int  # by EXIF, 1 to 8

    @property
    def size(self):
        return self.height, self.width


def open_image(file):
    """Open a file to read its bytes; `ImageError` unless it is a regular file.

    Opening a named pipe would otherwise wait for a writer, for ever.
    """
    opened = open(file, "rb", opener=_open_without_waiting)  # noqa: SIM115  # the caller closes it
    if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
        opened.close()
        raise ImageError("not a regular file")
    return opened


def _open_without_waiting(file, flags):
    return os.open(file, flags | getattr(os, "O_NONBLOCK", 0))


def read_header(data, max_pixels):
    """Header of a PNG, JPEG or TIFF file, of which `data` are the bytes or a memory map.

    Only the header and the end are read, so a memory map costs two pages of the file. Of a
    progressive JPEG the scans are counted, for which all of it is read.
    """
    if len(data) == 0:
        raise ImageError("the file is empty")
    start = bytes(data[:16])
    try:
        if start.startswith(b"\x89PNG\r\n\x1a\n"):
            header = _png_header(data)
        elif start.startswith(b"\xff\xd8\xff"):
            header = _jpeg_header(data)
        elif start[:4] in (b"II*\0", b"MM\0*"):
            header = _tiff_header(data)
        else:
            html = start.lstrip().lower().startswith((b"<!doc", b"<html"))
            what = "HTML, such as the page of a failed download" if html else "something else"
            raise ImageError(f"no PNG, JPEG or TIFF image but {what}")
    except ImageError:
        raise
    except (struct.error, IndexError) as error:
        raise ImageError("truncated: the header breaks off") from error
    except (KeyError, ValueError) as error:
        raise ImageError("damaged: the header lacks a required entry") from error
    if header.height < 1 or header.width < 1:
        raise ImageError(f"the header declares {header.height} x {header.width} pixels")
    if header.height * header.width > max_pixels:
        raise ImageError(
            f"the header declares {header.height} x {header.width} pixels, more than "
            f"max_pixels={max_pixels}"
        )
    return header


def _png_header(data):
    width, height, depth = struct.unpack(">IIB", data[16:25])
    orientation, pos = 1, 8
    while True:
        length, kind = struct.unpack(">I4s", data[pos : pos + 8])
        if kind == b"eXIf":
            orientation = _orientation(data[pos + 8 : pos + 8 + length])
        if kind == b"IDAT":
            break
        pos += 12 + length
    if data.rfind(_PNG_END, pos) < 0:
        raise ImageError("truncated: the PNG has no end chunk")
    return _upright(height, width, 16 if depth == 16 else 8, orientation)


def _jpeg_header(data):
    orientation, size, progressive, pos = 1, None, False, 2
    while True:
        while data[pos] == 0xFF and data[pos + 1] == 0xFF:  # fill bytes
            pos += 1
        marker = data[pos + 1]
        if data[pos] != 0xFF:
            raise ImageError("damaged: a JPEG marker is missing in the header")
        if marker in _WITHOUT_LENGTH:
            pos += 2
            continue
        (length,) = struct.unpack(">H", data[pos + 2 : pos + 4])
        if marker in _START_OF_FRAME:
            progressive = marker in _PROGRESSIVE
            depth, *size = struct.unpack(">BHH", data[pos + 4 : pos + 9])
            if depth != 8:
                raise ImageError(f"a JPEG of {depth} bits, of which only 8 can be decoded")
        if marker == 0xE1 and data[pos + 4 : pos + 10] == b"Exif\0\0":
            orientation = _orientation(data[pos + 10 : pos + 2 + length])
        if marker == 0xDA:  # start of a scan: the pixels, among which no end marker can occur
            break
        pos += 2 + length
    if size is None:
        raise ImageError("damaged: the JPEG header declares no size")
    if data.rfind(b"\xff\xd9", pos + 2 + length) < 0:
        raise ImageError("truncated: the JPEG has no end marker")
    if progressive:
        _check_scans(data, pos)
    return _upright(*size, 8, orientation)


def _check_scans(data, pos):
    """Count the scans from the first one on; between them a marker is no part of the pixels."""
    for _ in range(_MAX_SCANS):
        pos = data.find(b"\xff\xda", pos + 2)
        if pos < 0:
            return
    raise ImageError(
        f"a progressive JPEG of more than {_MAX_SCANS} scans, which would take very long to "
        f"decode; save it again"
    )


def _tiff_header(data):
    tags = _read_tags(data, _TIFF_TAGS)
    depths, formats = tags.get(_DEPTH, [1]), tags.get(_FORMAT, [1])
    if max(depths) > 16 or set(formats) != {1}:
        raise ImageError(
            f"a TIFF of {max(depths)}-bit values that are no unsigned integers up to 16 bits; "
            f"scale and save it as 16-bit"
        )
    if len(depths) > 4 or tags.get(_COLOR, [1])[0] > 3:
        raise ImageError("a TIFF that is neither gray, palette, RGB nor RGBA")
    if tags.get(_ORIENTATION, [1])[0] != 1:
        raise ImageError("a TIFF with an orientation, in which decoders differ; save it upright")
    offsets = tags.get(_STRIP_OFFSETS, tags.get(_TILE_OFFSETS, []))
    lengths = tags.get(_STRIP_LENGTHS, tags.get(_TILE_LENGTHS, []))
    ends = [offset + length for offset, length in zip(offsets, lengths, strict=False)]
    if not ends or max(ends) > len(data):
        raise ImageError("truncated: pixels of the TIFF lie behind the end of the file")
    return Header(tags[_HEIGHT][0], tags[_WIDTH][0], 16 if max(depths) > 8 else 8, 1)


def _read_tags(data, wanted):
    """Integer tags of the first directory of a TIFF, or of EXIF.

    `wanted` has the tags to read, and the largest number of values of each. The others are
    skipped, whatever length they declare, and of a tag that is repeated the first one counts. So
    the work is bounded however large the values that the directory declares.
    """
    order = "<" if bytes(data[:2]) == b"II" else ">"
    (start,) = struct.unpack(order + "I", data[4:8])
    (count,) = struct.unpack(order + "H", data[start : start + 2])
    tags = {}
    for pos in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, n = struct.unpack(order + "HHI", data[pos : pos + 8])
        code = {1: "B", 3: "H", 4: "I"}.get(kind)
        if code is None or tag not in wanted or tag in tags:
            continue
        if n > wanted[tag]:
            raise ImageError(f"damaged: the header declares {n} values for the tag {tag}")
        length = struct.calcsize(code) * n
        at = pos + 8
        if length > 4:
            (at,) = struct.unpack(order + "I", data[pos + 8 : pos + 12])
        tags[tag] = struct.unpack(f"{order}{n}{code}", data[at : at + length])
    return tags


def _orientation(exif):
    try:
        found = _read_tags(exif, {_ORIENTATION: 1}).get(_ORIENTATION, (1,))[0]
    except (struct.error, IndexError, ValueError):  # many cameras write EXIF that is slightly wrong
        return 1
    return found if 1 <= found <= 8 else 1


def _upright(height, width, depth, orientation):
    if orientation >= 5:
        height, width = width, height
    return Header(height, width, depth, orientation)
