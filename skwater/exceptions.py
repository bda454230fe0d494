"""Warnings and errors of skwater."""

__all__ = ["LeakageWarning"]


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
