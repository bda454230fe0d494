"""The sampler of Random Sequence Splicing, plain and onset-aware."""

import warnings
from collections.abc import Callable
from numbers import Integral
from typing import Any, Literal, Self

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy, check_target_type
from imblearn.utils._validation import ArraysTransformer
from numpy.typing import ArrayLike
from sklearn.preprocessing import label_binarize
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets

from .._typing import RandomState
from ..sequences import (
    Sequences,
    SequencesLike,
    SplicedSequences,
    as_array,
    check_sequences,
    is_lazy,
    missing_frames,
)
from ._donors import DonorRows, check_possible, share_out
from ._junction import check_junction, continue_levels
from ._splice import splice


class RSSResampler(BaseOverSampler):
    """Random Sequence Splicing (RSS), an over-sampler for few and imbalanced sequences.

    It belongs in a pipeline made by ``skwater.make_pipeline``, which is imbalanced-learn's
    pipeline: scikit-learn's own ``make_pipeline`` refuses samplers.

    A new sequence of a class takes its frames, in order and each at its own date, from randomly
    drawn plants: at most `n_segments` contiguous pieces. New sequences are drawn uniformly,
    without repetition, from all that are possible; the originals come first and unchanged.

    Plain splicing (``onset=None``, as published) takes all frames from plants of the class.
    Onset-aware splicing takes the frames before the onset of stress from *any* plant, because no
    plant is stressed yet, and only the frames from there on from plants of the class. The rare
    class then has many more donors, and chance differences before the onset, which a network
    would otherwise learn, are averaged out. **This assumes that before the onset plants of all
    classes are alike.** Test it with :func:`skwater.evaluation.exchangeability_test`. If they
    differ, for example in their nitrogen level, give that as `strata`: donors then share it.

    Splice inside the pipeline, after the split. If it is done before, pieces of test plants are
    trained on, and pure noise scores a balanced accuracy of 0.9 instead of 0.5. It also misleads
    if plants of one class differ by more than chance (a nitrogen level, a variety): a splice of
    both is a plant that cannot exist. Use `strata` for this as well.

    Parameters
    ----------
    sampling_strategy : int, float, str, dict or callable, default="auto"
        How many sequences each class gets. An int above 1 brings every class to that number,
        which also expands balanced data. The rest is as for imbalanced-learn's over-samplers:
        "auto" brings the smaller classes to the size of the largest; a dict gives the total of
        each class; a float is the ratio of minority to majority.
    n_segments : int, "frame" or "auto", default="auto"
        The largest number of contiguous pieces, at least 2; "frame" draws every frame on its own.
        "auto" is 3, and 2 with an `onset`, with which more pieces make scores worse; if a class
        cannot have as many sequences as it needs, its sequences may have more pieces.
        Sequences that have fewer frames are cut at every frame. With an `onset` one junction is
        always there, and with 3 or more pieces one side, drawn at random, may be cut further.
    onset : int or None, default=None
        Number of frames taken before the stress could begin; ``(days <= onset_day).sum()`` if the
        last irrigation was on `onset_day`. None is plain splicing. Sequences with no frame after
        the onset, as at the start of an early-detection curve, are spliced plainly, with a
        warning. A :class:`~skwater.preprocessing.FrameSampler` that drops frames belongs after the
        sampler; ``skwater.make_pipeline`` refuses it before.
    junction : {"keep", "shift", "scale"}, default="keep"
        What happens to the values at a change of donor. "keep" leaves them. "shift" adds to the
        frames after it, channel by channel, the difference between the levels of the two plants
        at the last frame before it that both have, and "scale" multiplies by the ratio: the new
        sequence continues from the level that it has reached. Only for frames of numbers or
        vectors. "scale" is meant for sizes, such as leaf area; a channel in which the two levels
        are not both positive or both negative stays as it is.
    allow_fewer : bool, default=False
        If fewer different sequences are possible than a class is to get, make all of them, with a
        warning, instead of raising a ValueError.
    lazy : bool, default=False
        Return :class:`SplicedSequences`, a table of donors over the originals, instead of a
        copy of every frame.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw. None draws a seed once for each sampler: one sampler splices the same
        input in the same way, its clones (a new one in every fold) do not.

    Attributes
    ----------
    donors_ : ndarray of shape (n_samples_new, n_frames), dtype int
        For every returned sequence, originals included, the row of `X` that gave each frame; with
        an `onset`, of any class before it.
    seed_ : int
        The seed that was drawn, if `random_state` is None.
    sampling_strategy_ : dict
        Number of new sequences for each class that gets any.
    n_lacking_ : int
        How many sequences were made fewer than asked for; above 0 with `allow_fewer` only.
    n_features_in_ : int
        Number of frames.
    sequence_shape_ : tuple of int
        Shape of one sequence, (n_frames, ...).
    feature_names_in_ : ndarray of shape (n_frames,), dtype object
        Names of the frames, if `X` is a data frame with string columns.

    See Also
    --------
    skwater.resampling.splice : Makes sequences of donors that are given.
    SplicedSequences : What ``lazy=True`` returns.
    skwater.make_pipeline : Puts the sampler before a classifier.

    Notes
    -----
    Published work [1]_ names the aim of splicing and no algorithm; this one is defined here, as is
    onset-aware splicing. Two sequences count as different if their donors differ. If two plants
    have equal frames, or both lack a frame, different donors can give equal values.

    References
    ----------
    .. [1] "Spatio-Temporal Analysis", https://github.com/GVS-007/Spatio-Temporal-Analysis.

    Examples
    --------
    >>> import numpy as np
    >>> from skwater import RSSResampler
    >>> X = np.arange(6)[:, None] * 10 + np.arange(4)  # 6 plants, 4 frames
    >>> y = np.array([0, 0, 0, 0, 1, 1])
    >>> X_new, y_new = RSSResampler(random_state=0).fit_resample(X, y)
    >>> X_new[6:]
    array([[50, 41, 52, 53],
           [50, 41, 42, 53]])
    >>> y_new[6:]
    array([1, 1])

    With the onset after two frames, the first two come from any plant:

    >>> sampler = RSSResampler({0: 4, 1: 4}, onset=2, random_state=0)
    >>> X_new, y_new = sampler.fit_resample(X, y)
    >>> X_new[6:]
    array([[ 0,  1, 52, 53],
           [40, 41, 52, 53]])
    """

    _parameter_constraints = {
        "sampling_strategy": [
            *BaseOverSampler._parameter_constraints["sampling_strategy"],
            Interval(Integral, 2, None, closed="left"),
        ],
        "n_segments": [Interval(Integral, 2, None, closed="left"), StrOptions({"auto", "frame"})],
        "onset": [Interval(Integral, 1, None, closed="left"), None],
        "junction": [StrOptions({"keep", "shift", "scale"})],
        "allow_fewer": ["boolean"],
        "lazy": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        sampling_strategy: float | str | dict[Any, int] | Callable[..., Any] = "auto",
        *,
        n_segments: int | Literal["frame", "auto"] = "auto",
        onset: int | None = None,
        junction: Literal["keep", "shift", "scale"] = "keep",
        allow_fewer: bool = False,
        lazy: bool = False,
        random_state: RandomState | None = None,
    ) -> None:
        super().__init__(sampling_strategy=sampling_strategy)
        self.n_segments = n_segments
        self.onset = onset
        self.junction = junction
        self.allow_fewer = allow_fewer
        self.lazy = lazy
        self.random_state = random_state

    def fit(self, X: SequencesLike, y: ArrayLike) -> Self:
        """Check the input and count the sequences to make; :meth:`fit_resample` makes them.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_frames, ...)
            Sequences, as in :meth:`fit_resample`.
        y : array-like of shape (n_samples,)
            Class of each sequence.

        Returns
        -------
        RSSResampler
            The sampler itself.
        """
        self._validate_params()
        _, y, _ = self._check_X_y(X, y)
        self.sampling_strategy_ = self._count_new(y)
        return self

    def fit_resample(
        self, X: SequencesLike, y: ArrayLike, strata: ArrayLike | None = None
    ) -> tuple[Sequences, np.ndarray]:
        """Add spliced sequences to X.

        Parameters
        ----------
        X : array-like or SplicedSequences of shape (n_samples, n_frames, ...)
            Sequences of two dimensions or more and any dtype, or a table of file paths.
        y : array-like of shape (n_samples,)
            Class of each sequence.
        strata : array-like of shape (n_samples,), default=None
            Group that all donors of a sequence share, for example the nitrogen level. The new
            sequences of a class are divided among its strata in proportion to their plants; a
            stratum in which no new sequence is possible gets none.

        Returns
        -------
        X_resampled : array-like or SplicedSequences of shape (n_samples_new, n_frames, ...)
            The originals, then the new sequences class by class; lazy if `lazy` is set or `X`
            is lazy. The dtype of `X`, or floats if `junction` changes whole numbers.
        y_resampled : array-like of shape (n_samples_new,)
            Their classes.

        Raises
        ------
        ValueError
            If a class (in every stratum) has one plant only and there is no `onset`, if fewer
            different sequences are possible than are asked for and `allow_fewer` is False, or if
            `junction` is not "keep" for images or lazy sequences.
        """
        self._validate_params()
        check_classification_targets(y)
        if self.lazy and not is_lazy(X):
            X = as_array(X)
        containers = ArraysTransformer(X, y)
        X, y, binarize_y = self._check_X_y(X, y)
        self.sampling_strategy_ = self._count_new(y)
        X_new, y_new = self._fit_resample(X, y, strata)
        if binarize_y:
            y_new = label_binarize(y_new, classes=np.unique(y))
        return containers.transform(X_new, y_new)

    def _fit_resample(self, X, y, strata=None):
        strata = _check_strata(strata, X)
        check_junction(self.junction, X, self.lazy or is_lazy(X))
        if X.shape[1] == 1:
            # No error: an early-detection curve starts at a season of one frame.
            warnings.warn(
                "Sequences of one frame cannot be spliced: X is returned as it is.", stacklevel=3
            )
            self.sampling_strategy_ = dict.fromkeys(self.sampling_strategy_, 0)
        elif not any(self.sampling_strategy_.values()):
            balanced = len(set(np.unique(y, return_counts=True)[1])) == 1
            why = "The classes are balanced" if balanced else "Every class has its number already"
            warnings.warn(
                f"{why}, so sampling_strategy={self.sampling_strategy!r} adds nothing. Give the "
                f"number for each class, for example RSSResampler(60).",
                stacklevel=3,
            )
        donors = self._draw_donors(y, strata, missing_frames(X), self._n_before_onset(X))
        n_old = len(y)
        self.donors_ = np.concatenate(
            [np.repeat(np.arange(n_old)[:, None], X.shape[1], axis=1), donors]
        )
        # The last frame comes from the class itself, whatever the onset.
        y_new = y[self.donors_[:, -1]]
        if self.junction != "keep":
            return np.concatenate([X, continue_levels(X, donors, self.junction)]), y_new
        as_table = self.lazy and not is_lazy(X)  # what is lazy already splices itself
        return (SplicedSequences if as_table else splice)(X, self.donors_), y_new

    def _n_before_onset(self, X):
        if self.onset is None or X.shape[1] == 1:
            return 0
        if self.onset < X.shape[1]:
            return self.onset
        warnings.warn(end_before_onset([X.shape[1]], [self.onset]), stacklevel=4)
        return 0

    def _check_X_y(self, X, y):
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        X, y = check_sequences(self, X, y, reset=True, numeric=False, complete=False)
        return X, y, binarize_y

    def _count_new(self, y):
        strategy = self.sampling_strategy
        if isinstance(strategy, Integral) and strategy > 1:
            strategy = dict.fromkeys(np.unique(y), strategy)
        return check_sampling_strategy(strategy, y, self._sampling_type)

    def _random_state(self):
        if self.random_state is not None:
            return check_random_state(self.random_state)
        if not hasattr(self, "seed_"):
            self.seed_ = check_random_state(None).randint(np.iinfo(np.int32).max)
        return check_random_state(self.seed_)

    def _draw_donors(self, y, strata, missing, onset):
        rng = self._random_state()
        donors = [np.empty((0, missing.shape[1]), dtype=np.intp)]
        self.n_lacking_ = 0
        for label, n_new in self.sampling_strategy_.items():
            if n_new == 0:
                continue
            plants, n_own = [], []
            for stratum in np.unique(strata[y == label]):
                own = np.flatnonzero((strata == stratum) & (y == label))
                others = np.flatnonzero((strata == stratum) & (y != label)) if onset else own[:0]
                plants.append(np.concatenate([own, others]))
                n_own.append(len(own))
            for n_segments in self._allowed_segments(missing.shape[1], onset):
                rows = [
                    DonorRows(missing[p], n, n_segments, onset)
                    for p, n in zip(plants, n_own, strict=True)
                ]
                possible = [r.count() for r in rows]
                if n_new <= sum(possible):
                    break
            if self.allow_fewer and 0 < sum(possible) < n_new:
                warnings.warn(
                    f"Only {sum(possible)} of {n_new} new sequences of class {label} are possible.",
                    stacklevel=4,
                )
                self.n_lacking_ += n_new - sum(possible)
                self.sampling_strategy_[label] = n_new = sum(possible)
            check_possible(label, n_new, rows, sum(possible))
            shares = share_out(n_new, n_own, possible)
            for p, r, share in zip(plants, rows, shares, strict=True):
                donors.append(p[r.draw(share, rng)])
        return np.concatenate(donors)

    def _allowed_segments(self, n_frames, onset):
        """Numbers of segments to try, until enough sequences are possible."""
        if self.n_segments == "auto":
            return range(min(2 if onset else 3, n_frames), n_frames + 1)
        return [n_frames if self.n_segments == "frame" else min(self.n_segments, n_frames)]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.dataframe = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags


def _check_strata(strata, X):
    if strata is None:
        return np.zeros(len(X))
    strata = column_or_1d(strata)
    check_consistent_length(X, strata)
    unknown = np.flatnonzero(strata != strata)  # NaN alone differs from itself
    if len(unknown):
        raise ValueError(f"strata is NaN for sample {unknown[0]}: give unknown ones a level.")
    return strata


def end_before_onset(lengths, onsets):
    """Text of the warning of sequences that end before the onset; both lists are sorted."""
    between = str(lengths[0]) if len(lengths) == 1 else f"{lengths[0]} to {lengths[-1]}"
    return (
        f"Sequences of {between} frames end before the onset (onset="
        f"{', '.join(map(str, onsets))}): they are spliced within their class."
    )
