"""The arguments of ImageSequences: a table of files, boxes, sizes."""

import os

import numpy as np


def as_table(paths) -> np.ndarray:
    table = np.array(paths, dtype=object)
    if table.ndim != 2 or 0 in table.shape:
        raise ValueError(
            f"paths must be a table (n_samples, n_frames) with None if an image is missing, got "
            f"shape {table.shape}."
        )
    for cell in np.ndindex(table.shape):
        path = table[cell]
        if path is not None and path == path and path != "":  # NaN, of pandas, is missing too
            table[cell] = os.fspath(path)
        else:
            table[cell] = None
    return table


def as_size(name, size):
    if size is None:
        return None
    size = (size, size) if np.ndim(size) == 0 else tuple(size)
    if len(size) != 2 or any(int(s) != s or s < 1 for s in size):
        raise ValueError(f"{name} must be (height, width) in pixels, or one number, got {size}.")
    return tuple(map(int, size))


def as_boxes(boxes, shape):
    if boxes is None:
        return None
    boxes = np.asarray(boxes, dtype=float)
    if boxes.shape[-1:] == (4,):
        boxes = np.concatenate([boxes, np.zeros((*boxes.shape[:-1], 1))], axis=-1)
    if boxes.shape not in ((5,), (*shape, 5)):
        raise ValueError(
            f"boxes must have shape (4,), (5,), {(*shape, 4)} or {(*shape, 5)}, got {boxes.shape}."
        )
    return np.broadcast_to(boxes, (*shape, 5))


def number_files(paths, boxes):
    """Number the different (file, box) of a table: table of numbers, files, boxes."""
    numbers, slots = {}, np.full(paths.shape, -1)
    for cell in np.ndindex(paths.shape):
        if paths[cell] is not None:
            box = None if boxes is None else tuple(boxes[cell].tolist())
            slots[cell] = numbers.setdefault((paths[cell], box), len(numbers))
    return slots, [file for file, _ in numbers], [box for _, box in numbers]


def check_choice(name, value, choices):
    if value not in choices:
        raise ValueError(f"{name} must be one of {choices}, got {value!r}.")
