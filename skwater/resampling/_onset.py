"""One warning for all fits on sequences that end before a sampler's onset."""

import warnings
from contextlib import contextmanager

from ._rss_resampler import RSSResampler, end_before_onset


def warn_of_onset(estimators, lengths, *, stacklevel=2):
    """Warn once if a sampler in one of the estimators has its onset after the last frame.

    Parameters
    ----------
    estimators : iterable of estimator
        The estimators that will be fitted.
    lengths : iterable of int
        Numbers of frames that they are fitted on.
    stacklevel : int
        As of :func:`warnings.warn`, where 2 is the caller.
    """
    late = {(n, onset) for e in estimators for n in lengths for onset in _onsets_after(e, n)}
    if late:
        short, onsets = (sorted(set(column)) for column in zip(*late, strict=True))
        warnings.warn(end_before_onset(short, onsets), stacklevel=stacklevel + 1)


@contextmanager
def quiet_about_onset(estimator, n_frames):
    """Silence the sampler's own warning, since one warning was given for all fits together."""
    if not _onsets_after(estimator, n_frames):
        yield
        return
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Sequences of \d+ frames end before the onset")
        yield


def _onsets_after(estimator, n_frames):
    """Onsets that come after so many frames; a single frame is not spliced anyway."""
    samplers = (part for part in parts_of(estimator) if isinstance(part, RSSResampler))
    onsets = {sampler.onset for sampler in samplers} - {None}
    return [onset for onset in onsets if onset >= n_frames > 1]


def parts_of(step):
    """Return a step of a pipeline and everything inside it."""
    inner = step.get_params(deep=True).values() if hasattr(step, "get_params") else []
    return [step, *inner]
