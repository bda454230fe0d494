"""Make new sequences from the frames of several donors, as the sampler does."""

import numpy as np
from numpy.typing import ArrayLike

from ..sequences import Sequences, SequencesLike, SplicedSequences, is_lazy


def splice(X: SequencesLike, donors: ArrayLike) -> Sequences:
    """Make new sequences from the frames of several donors.

    Frame ``t`` of new sequence ``i`` is frame ``t`` of ``X[donors[i, t]]``: every frame keeps its
    date. :class:`~skwater.RSSResampler` uses it. It does not check whether donors share a class.

    Parameters
    ----------
    X : ndarray or SplicedSequences of shape (n_samples, n_frames, ...)
        Sequences of any dtype, or a table of file paths.
    donors : array-like of shape (n_samples_new, n_frames), dtype int
        The row of `X` that gives each frame.

    Returns
    -------
    ndarray or SplicedSequences of shape (n_samples_new, n_frames, ...)
        The new sequences: a copy for an ndarray, a longer table for a lazy container.

    Raises
    ------
    ValueError
        If `donors` is not a table with one column for each frame, or has a number that is no row
        of `X`.

    See Also
    --------
    skwater.RSSResampler : Draws the donors.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater.resampling import splice
    >>> X = np.array([[1, 2, 3], [10, 20, 30]])
    >>> splice(X, [[0, 0, 1], [1, 0, 0]])
    array([[ 1,  2, 30],
           [10,  2,  3]])
    """
    if is_lazy(X):
        return X.splice(donors)
    return np.asarray(SplicedSequences(np.asarray(X), donors))
