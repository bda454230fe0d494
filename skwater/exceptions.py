"""Warnings and errors of skwater."""

__all__ = ["LeakageWarning"]


class LeakageWarning(UserWarning):
    """A score or a stopping rule may have seen what it is meant to be tested on.

    Raised where sequences that share frames (splices and their donors, repeated plants) can end
    up on both sides of a split, and where a score beats chance before the stress began.

    Examples
    --------
    >>> import warnings
    >>> from skwater.exceptions import LeakageWarning
    >>> warnings.simplefilter("error", LeakageWarning)  # turn leaks into errors
    """
