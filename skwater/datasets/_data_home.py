"""The folder of downloaded data."""

import os
from pathlib import Path

from .._typing import StrPath
from .._validation import validate_params


@validate_params({"data_home": [str, os.PathLike, None]}, prefer_skip_nested_validation=True)
def get_data_home(data_home: StrPath | None = None) -> str:
    """Return the folder of downloaded data, and create it if it is missing.

    The folder is the argument, else the environment variable ``SKWATER_DATA``, else
    ``~/skwater_data``. A ``~`` stands for the home folder. Beware of running the same script as
    another user or on a cluster node: the default folder is then another one, and data is
    fetched anew.

    Parameters
    ----------
    data_home : str or path-like, default=None
        The folder to use.

    Returns
    -------
    str
        The path of the folder, which exists.

    Raises
    ------
    OSError
        If the folder cannot be created.

    Examples
    --------
    >>> import tempfile
    >>> from skwater.datasets import get_data_home
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     get_data_home(folder) == folder
    True
    """
    if data_home is None:
        data_home = os.environ.get("SKWATER_DATA") or "~/skwater_data"
    folder = Path(data_home).expanduser()
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
