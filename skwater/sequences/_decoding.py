"""From a picture file to an array: what its header says, its pixels, and cutting them out.

Headers are read here and not by a decoder: before anything is allocated, and the same for all
versions in what counts as damaged and in how orientation is read. Functions raise `BadPicture` with
the reason alone; the caller knows which file it was.
"""

import struct
import zlib
from typing import NamedTuple

import numpy as np

_START_OF_FRAME = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}
_PNG_END = b"IEND\xaeB`\x82"


class BadPicture(ValueError):  # noqa: N818  # it names a thing, and is turned into an error
    """A file that gives no picture, and why."""


class Header(NamedTuple):
    """What a file says about its picture. Height and width are those of the picture upright."""

    height: int
    width: int
    depth: int  # bits of each value as it is decoded, 8 or 16
    orientation: int  # by EXIF, 1 to 8

    @property
    def size(self):
        return self.height, self.width


def read_header(data, max_pixels):
    """Header of a PNG, JPEG or TIFF file, of which `data` are the bytes or a memory map.

    Only the header and the end are looked at, so a memory map costs two pages of the file.
    """
    if len(data) == 0:
        raise BadPicture("the file is empty")
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
            what = "HTML, say the page of a failed download" if html else "something else"
            raise BadPicture(f"no PNG, JPEG or TIFF picture but {what}")
    except BadPicture:
        raise
    except (struct.error, IndexError) as error:
        raise BadPicture("truncated: the header breaks off") from error
    except (KeyError, ValueError) as error:
        raise BadPicture("damaged: the header lacks what it must have") from error
    if header.height < 1 or header.width < 1:
        raise BadPicture(f"the header declares {header.height} x {header.width} pixels")
    if header.height * header.width > max_pixels:
        raise BadPicture(
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
        raise BadPicture("truncated: the PNG has no end chunk")
    return _upright(height, width, 16 if depth == 16 else 8, orientation)


def _jpeg_header(data):
    orientation, size, pos = 1, None, 2
    while True:
        while data[pos] == 0xFF and data[pos + 1] == 0xFF:  # fill bytes
            pos += 1
        marker = data[pos + 1]
        if data[pos] != 0xFF:
            raise BadPicture("damaged: a JPEG marker is missing in the header")
        if marker in _WITHOUT_LENGTH:
            pos += 2
            continue
        (length,) = struct.unpack(">H", data[pos + 2 : pos + 4])
        if marker in _START_OF_FRAME:
            depth, *size = struct.unpack(">BHH", data[pos + 4 : pos + 9])
            if depth != 8:
                raise BadPicture(f"a JPEG of {depth} bits, of which only 8 can be decoded")
        if marker == 0xE1 and data[pos + 4 : pos + 10] == b"Exif\0\0":
            orientation = _orientation(data[pos + 10 : pos + 2 + length])
        pos += 2 + length
        if marker == 0xDA:  # start of the pixels, among which no end marker can occur
            break
    if size is None:
        raise BadPicture("damaged: the JPEG header declares no size")
    if data.rfind(b"\xff\xd9", pos) < 0:
        raise BadPicture("truncated: the JPEG has no end marker")
    return _upright(*size, 8, orientation)


def _tiff_header(data):
    tags = _tiff_tags(data)
    depths, kinds = tags.get(258, [1]), tags.get(339, [1])
    if max(depths) > 16 or set(kinds) != {1}:
        raise BadPicture(
            f"a TIFF of {max(depths)}-bit values that are no unsigned integers up to 16 bits; "
            f"scale and save it as 16-bit"
        )
    if len(depths) > 4 or tags.get(262, [1])[0] > 3:
        raise BadPicture("a TIFF that is neither gray, palette, RGB nor RGBA")
    if tags.get(274, [1])[0] != 1:
        raise BadPicture("a TIFF with an orientation, in which decoders differ; save it upright")
    parts = zip(tags.get(273, tags.get(324, [])), tags.get(279, tags.get(325, [])), strict=False)
    ends = [offset + length for offset, length in parts]
    if not ends or max(ends) > len(data):
        raise BadPicture("truncated: pixels of the TIFF lie behind the end of the file")
    return Header(tags[257][0], tags[256][0], 16 if max(depths) > 8 else 8, 1)


def _tiff_tags(data):
    """Integer tags of the first directory of a TIFF, as EXIF is too."""
    order = "<" if bytes(data[:2]) == b"II" else ">"
    (start,) = struct.unpack(order + "I", data[4:8])
    (count,) = struct.unpack(order + "H", data[start : start + 2])
    tags = {}
    for pos in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, n = struct.unpack(order + "HHI", data[pos : pos + 8])
        code = {1: "B", 3: "H", 4: "I"}.get(kind)
        if code is None:
            continue
        n = min(n, len(data))  # nothing is allocated beyond the file's own size
        length = struct.calcsize(code) * n
        at = pos + 8
        if length > 4:
            (at,) = struct.unpack(order + "I", data[pos + 8 : pos + 12])
        tags[tag] = struct.unpack(f"{order}{n}{code}", data[at : at + length])
    return tags


def _orientation(exif):
    try:
        found = _tiff_tags(exif).get(274, (1,))[0]
    except (struct.error, IndexError, ValueError):  # many cameras write EXIF that is slightly wrong
        return 1
    return found if 1 <= found <= 8 else 1


def _upright(height, width, depth, orientation):
    if orientation >= 5:
        height, width = width, height
    return Header(height, width, depth, orientation)


def decode(data, max_pixels, *, gray, dtype):
    """Decode a file to an upright picture (height, width, 3) in RGB, or (height, width, 1).

    Palettes are looked up, alpha is dropped, one bit becomes 0 or 255; 8-bit values are spread
    over 16 bits, or the other way round, where `dtype` asks for it (None keeps what the file has).
    """
    import cv2

    header = read_header(data, max_pixels)
    if data[:4] == b"\x89PNG":
        _check_png_chunks(data)
    # Asked for RGB, OpenCV 5.0 scrambles TIFFs of 16 bits; BGR it reads well.
    bgr = not gray and bytes(data[:2]) in (b"II", b"MM")
    color = cv2.IMREAD_COLOR_BGR if bgr else cv2.IMREAD_COLOR_RGB
    flags = (
        (cv2.IMREAD_GRAYSCALE if gray else color)
        | cv2.IMREAD_ANYDEPTH
        | cv2.IMREAD_IGNORE_ORIENTATION
    )
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise BadPicture(f"it cannot be decoded: {error.err}") from error
    if picture is None:
        raise BadPicture("it cannot be decoded: the header is sound and the rest is not")
    if picture.ndim == 2:
        picture = picture[:, :, None]
    picture = _turn(picture[..., ::-1] if bgr else picture, header.orientation)
    if picture.shape[:2] != header.size:
        raise BadPicture(f"it was decoded to {picture.shape[:2]}, its header says {header.size}")
    return picture if dtype is None else spread(picture, dtype)


def _check_png_chunks(data):
    """Compare the checksums: decoders differ in what they forgive, and do not say what is wrong."""
    pos = 8
    while pos + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[pos : pos + 8])
        end = pos + 8 + length
        if end + 4 > len(data):
            raise BadPicture("truncated: a PNG chunk lies behind the end of the file")
        if zlib.crc32(memoryview(data)[pos + 4 : end]) != int.from_bytes(data[end : end + 4]):
            raise BadPicture(f"damaged: a PNG chunk {kind.decode('ascii', 'replace')} is corrupt")
        if kind == b"IEND":
            return
        pos = end + 4


def _turn(picture, orientation):
    """Turn a picture upright, by its EXIF orientation."""
    if orientation >= 5:
        picture = picture.transpose(1, 0, 2)
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)


def spread(picture, dtype):
    """Bring 8-bit values to 16 bits or back, white staying white."""
    if picture.dtype == dtype:
        return picture
    if dtype == np.uint16:
        return picture.astype(np.uint16) * np.uint16(257)
    return ((picture.astype(np.uint32) + 128) // 257).astype(np.uint8)


class Crop(NamedTuple):
    """What is cut out of a picture, in this order, and the size that it is brought to."""

    center: tuple | None = None  # (height, width)
    size: tuple | None = None  # (height, width)
    stretch: bool = False

    def size_of(self, size, box):
        """Size that a picture will have; `BadPicture` where something to be cut is outside."""
        if self.center is not None:
            if self.center[0] > size[0] or self.center[1] > size[1]:
                raise BadPicture(f"{size} pixels are smaller than the centre crop {self.center}")
            size = self.center
        if box is not None:
            size = check_box(size, box)
        return size if self.size is None else self.size

    def apply(self, picture, box):
        """Cut a picture and resize it."""
        if self.center is not None:
            picture = cut_center(picture, self.center)
        if box is not None:
            picture = cut_box(picture, box)
        if self.size is not None:
            picture = resize(picture, self.size, stretch=self.stretch)
        return picture


def cut_center(picture, size):
    """Cut out the middle (height, width)."""
    top, left = ((has - wanted) // 2 for has, wanted in zip(picture.shape, size, strict=False))
    return picture[top : top + size[0], left : left + size[1]]


def check_box(size, box):
    """Size (height, width) of a box, which must lie inside the rotated picture."""
    x_min, y_min, width, height, _ = box
    if not np.isfinite(box).all():
        raise BadPicture(f"the box {_show(box)} is not made of numbers")
    found = round(height), round(width)
    if min(found) < 1:
        raise BadPicture(f"the box {_show(box)} is empty")
    corners = [(x_min, y_min), (x_min + width, y_min + height)]
    corners += [(x_min + width, y_min), (x_min, y_min + height)]
    points = np.array([[*corner, 1] for corner in corners]).T
    x, y = _back_to_picture(size, box) @ points
    if x.min() < -1 or y.min() < -1 or x.max() > size[1] + 1 or y.max() > size[0] + 1:
        raise BadPicture(f"the box {_show(box)} reaches outside the picture of {size} pixels")
    return found


def cut_box(picture, box):
    """Rotate a picture by an angle, counter-clockwise onto a canvas that holds it, then cut."""
    import cv2

    height, width = check_box(picture.shape[:2], box)
    x, y, _, _, angle = box
    if angle == 0:
        left, top = max(0, round(x)), max(0, round(y))
        return picture[top : top + height, left : left + width]
    back = _back_to_picture(picture.shape[:2], box)
    back[:, 2] += back[:, :2] @ (x + 0.5, y + 0.5) - 0.5  # pixels are points at their centres
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP

    def rotate(channels):
        return cv2.warpAffine(
            channels, back, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        )

    return _in_fours(rotate, picture)


def _in_fours(function, picture):
    """Apply a function of OpenCV, which takes four channels at most."""
    parts = np.split(picture, range(4, picture.shape[2], 4), axis=2)
    return np.dstack([function(np.ascontiguousarray(part)) for part in parts])


def _back_to_picture(size, box):
    """Affine map (2, 3) from points of the rotated canvas to those of the picture."""
    height, width = size
    angle = np.deg2rad(box[4])
    cos, sin = np.cos(angle), np.sin(angle)
    canvas_width = width * abs(cos) + height * abs(sin)
    canvas_height = width * abs(sin) + height * abs(cos)
    turn = np.array([[cos, -sin], [sin, cos]])
    shift = np.array([width, height]) / 2 - turn @ (canvas_width / 2, canvas_height / 2)
    return np.column_stack([turn, shift])


def _show(box):
    return "({:g}, {:g}, {:g}, {:g}, {:g})".format(*box)


def resize(picture, size, *, stretch=False):
    """Resize to (height, width), after cutting out the largest middle part of that shape."""
    import cv2

    if picture.shape[:2] == tuple(size):
        return picture
    if not stretch:
        picture = cut_center(picture, _largest_part(picture.shape[:2], size))
    smaller = size[0] < picture.shape[0] or size[1] < picture.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return _in_fours(lambda c: cv2.resize(c, size[::-1], interpolation=method), picture)


def _largest_part(size, shape):
    """Size of the largest part with the aspect ratio of `shape`."""
    scale = min(size[0] / shape[0], size[1] / shape[1])
    return tuple(
        max(1, min(has, round(scale * wanted))) for has, wanted in zip(size, shape, strict=True)
    )
