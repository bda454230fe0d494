"""Warnings and errors of skwater."""

__all__ = ["LeakageWarning", "ModelFileError"]


class LeakageWarning(UserWarning):
    """A score or a stopping rule may have seen the plants that it is tested on.

    Given if sequences that share frames (splices and their donors, repeated plants) can be on both
    sides of a split, and if a score beats chance before the onset of stress.

    Examples
    --------
    >>> import warnings
    >>> from skwater.exceptions import LeakageWarning
    >>> warnings.simplefilter("error", LeakageWarning)  # turn leaks into errors
    """


class ModelFileError(ValueError):
    """A model file that is damaged, incomplete, not ours, or not safe to load.

    Raised by :func:`skwater.load` and :func:`skwater.inspect`. Nothing of the file was executed.

    Parameters
    ----------
    path : str
        The file.
    part : str
        The part at fault: "header", "card", "model", "arrays", or a place in the model such as
        ``"model.steps[1][1].mean_"``.
    reason : str
        What is wrong with it.

    Examples
    --------
    >>> from skwater.exceptions import ModelFileError
    >>> raise ModelFileError("model.skwater", "header", "the file is truncated")
    Traceback (most recent call last):
    skwater.exceptions.ModelFileError: model.skwater: header: the file is truncated
    """

    def __init__(self, path: str, part: str, reason: str) -> None:
        super().__init__(path, part, reason)
        self.path, self.part, self.reason = path, part, reason

    def __str__(self):
        return f"{self.path}: {self.part}: {self.reason}"
