"""Write a file so that it is complete or unchanged, also after a kill or on a full disk."""

import os
from pathlib import Path
from uuid import uuid4


def write_atomically(path, data):
    """Replace a file by new content.

    The content goes to a file beside it, which then takes its place. What earlier writes of this
    file left behind when they were killed is removed. One of a write that is still going on can be
    among it; that write then starts again.

    Parameters
    ----------
    path : str or path-like
        The file; the target, if it is a symbolic link.
    data : bytes or callable
        Its new content, or what writes it to an open file.

    Raises
    ------
    OSError
        If the folder does not exist, cannot be written or is full. The old file is unchanged.
    """
    path = Path(os.path.realpath(path))
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent}.")
    _remove_leftovers(path)
    part = path.with_name(f"{path.name}.{uuid4().hex}.part")
    for attempt in range(3):
        try:
            with open(part, "wb") as file:
                data(file) if callable(data) else file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
            break
        except FileNotFoundError:  # another write took it for a left-over
            if attempt == 2:
                raise
        finally:
            part.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _remove_leftovers(path):
    for name in os.listdir(path.parent):
        middle = name.removeprefix(path.name + ".").removesuffix(".part")
        if name == f"{path.name}.{middle}.part" and len(middle) == 32:
            try:
                path.with_name(name).unlink(missing_ok=True)
            except PermissionError:  # on Windows, if another process writes it
                continue


def _sync_folder(folder):
    """Make the new name last through a power failure, on systems that can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
