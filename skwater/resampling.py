"""Random Sequence Splicing: new sequences from the frames of several plants of one class."""

import warnings
from heapq import heapify, heappop, heapreplace
from itertools import combinations, product
from math import comb
from numbers import Integral

import numpy as np
from imblearn.over_sampling.base import BaseOverSampler
from imblearn.utils import check_sampling_strategy, check_target_type
from imblearn.utils._validation import ArraysTransformer
from sklearn.preprocessing import label_binarize
from sklearn.utils import check_consistent_length, check_random_state, column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from ._sequences import SplicedSequences, as_array, check_layout, gather, is_lazy, missing_frames

__all__ = ["RSSResampler", "splice"]


def splice(X, donors):
    """Put together sequences from the frames of several donors.

    Frame ``t`` of new sequence ``i`` is frame ``t`` of ``X[donors[i, t]]``: every frame keeps its
    date. This is the gather under :class:`RSSResampler`; it does not ask whether the donors share
    a class.

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
        If `donors` is not a table with one column a frame, or points outside `X`.

    See Also
    --------
    RSSResampler : Draws the donors.

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


class RSSResampler(BaseOverSampler):
    """Random Sequence Splicing, an over-sampler for few and skewed sequences.

    A new sequence of a class takes its frames, in order and each at its own date, from randomly
    drawn plants of that class: at most `n_segments` contiguous pieces, cut at random. New
    sequences are drawn uniformly, without repetition, from all those that can be made so; the
    originals come first and unchanged.

    Splicing belongs inside the pipeline, after the split. Done before, pieces of test plants are
    trained on, and pure noise scores a balanced accuracy of 0.9 where 0.5 is true. It also
    misleads where plants of one class differ in more than chance (a nitrogen level, a
    variety): a splice of both is a plant that cannot exist. Give those as `strata`.

    Parameters
    ----------
    sampling_strategy : int, float, str, dict or callable, default="auto"
        How many sequences each class gets. An int above 1 brings every class to that many,
        which expands balanced data too. All else is as for imbalanced-learn's over-samplers:
        "auto" brings the smaller classes to the size of the largest; a dict gives the total of
        each class; a float is the ratio of minority to majority.
    n_segments : int or "frame", default=3
        The largest number of contiguous pieces, at least 2; "frame" draws every frame on its own.
        Sequences that have fewer frames are cut at every frame.
    lazy : bool, default=False
        Return :class:`SplicedSequences`, a table of donors over the originals, in place of a
        copy of every frame.
    random_state : int, RandomState instance or None, default=None
        Seed of the draw. None draws a seed once for each sampler: one sampler splices the same
        input alike, its clones (a new one in every fold) do not.

    Attributes
    ----------
    donors_ : ndarray of shape (n_samples_new, n_frames), dtype int
        For every returned sequence, originals included, the row of `X` that gave each frame.
    seed_ : int
        The seed that was drawn, where `random_state` is None.
    sampling_strategy_ : dict
        Number of new sequences for each class that gets any.
    n_features_in_ : int
        Number of frames.
    feature_names_in_ : ndarray of shape (n_frames,), dtype object
        Names of the frames, where `X` is a data frame with string columns.

    See Also
    --------
    splice : The gather underneath.
    SplicedSequences : What ``lazy=True`` returns.
    imblearn.pipeline.make_pipeline : Puts the sampler before a classifier.

    Notes
    -----
    Published work [1]_ names the aim of splicing and no algorithm; this one is defined here. Two
    sequences count as different when their donors differ. When two plants have equal frames, or
    both lack a frame, different donors can give equal values.

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
    array([[50, 41, 42, 53],
           [40, 51, 52, 43]])
    >>> y_new[6:]
    array([1, 1])
    """

    _parameter_constraints = {
        "sampling_strategy": [
            *BaseOverSampler._parameter_constraints["sampling_strategy"],
            Interval(Integral, 2, None, closed="left"),
        ],
        "n_segments": [Interval(Integral, 2, None, closed="left"), StrOptions({"frame"})],
        "lazy": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(self, sampling_strategy="auto", *, n_segments=3, lazy=False, random_state=None):
        super().__init__(sampling_strategy=sampling_strategy)
        self.n_segments = n_segments
        self.lazy = lazy
        self.random_state = random_state

    def fit(self, X, y):
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

    def fit_resample(self, X, y, strata=None):
        """Add spliced sequences to X.

        Parameters
        ----------
        X : array-like or SplicedSequences of shape (n_samples, n_frames, ...)
            Sequences of two dimensions or more and any dtype, or a table of file paths.
        y : array-like of shape (n_samples,)
            Class of each sequence.
        strata : array-like of shape (n_samples,), default=None
            Group that donors share beside their class, say the nitrogen level. The new sequences
            of a class are shared out among its strata in proportion to their plants; a stratum of
            one plant gets none.

        Returns
        -------
        X_resampled : array-like or SplicedSequences of shape (n_samples_new, n_frames, ...)
            The originals, then the new sequences class by class; lazy where `lazy` is set or `X`
            is lazy.
        y_resampled : array-like of shape (n_samples_new,)
            Their classes.

        Raises
        ------
        ValueError
            If a class (in every stratum) has one plant only, or fewer different sequences can be
            made than are asked for.
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
        if X.shape[1] == 1:
            # No error: an early-detection curve starts at a season of one photo.
            warnings.warn(
                "Sequences of one frame cannot be spliced: X is returned as it is.", stacklevel=3
            )
            self.sampling_strategy_ = dict.fromkeys(self.sampling_strategy_, 0)
        self.donors_ = self._draw_donors(y, strata, missing_frames(X))
        as_table = self.lazy and not is_lazy(X)  # what is lazy already splices itself
        X_new = (SplicedSequences if as_table else splice)(X, self.donors_)
        return X_new, y[self.donors_[:, 0]]

    def _check_X_y(self, X, y):
        y, binarize_y = check_target_type(y, indicate_one_vs_all=True)
        if is_lazy(X):
            check_consistent_length(X, y)
            validate_data(self, X, skip_check_array=True)
        else:
            # dtype=None: paths stay strings and photos stay uint8.
            X = as_array(X) if isinstance(X, list | tuple) else X
            options = {"dtype": None, "allow_nd": True, "ensure_all_finite": False}
            X, y = validate_data(self, X, y, **options)
        check_layout(X.shape)
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

    def _draw_donors(self, y, strata, missing):
        rng = self._random_state()
        n_frames = missing.shape[1]
        n_segments = n_frames if self.n_segments == "frame" else min(self.n_segments, n_frames)
        donors = [np.repeat(np.arange(len(y))[:, None], n_frames, axis=1)]
        for label, n_new in self.sampling_strategy_.items():
            if n_new == 0:
                continue
            members = np.flatnonzero(y == label)
            plants = [members[strata[members] == s] for s in np.unique(strata[members])]
            possible = [count_splices(len(p), n_frames, n_segments) for p in plants]
            _check_possible(label, n_new, plants, n_frames, n_segments, sum(possible))
            for p, share in zip(plants, _share_out(n_new, plants, possible), strict=True):
                donors.append(p[draw_splices(share, missing[p], n_segments, rng)])
        return np.concatenate(donors)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.dataframe = False
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        return tags


def count_splices(n_donors, n_frames, n_segments):
    """Number of new sequences that at most n_segments contiguous pieces can make."""
    return sum(
        comb(n_frames - 1, n_cuts) * n_donors * (n_donors - 1) ** n_cuts
        for n_cuts in range(1, n_segments)
    )


def draw_splices(n_new, missing, n_segments, rng):
    """Draw different rows of donors, uniformly among all that have 1 to n_segments - 1 cuts.

    `missing` (n_donors, n_frames) tells the frames that donors lack: a row with nothing but those
    is not drawn.
    """
    n_donors, n_frames = missing.shape
    possible = count_splices(n_donors, n_frames, n_segments)
    if 2 * n_new > possible:  # too many repetitions to draw blindly: list them all
        rows = _all_splices(n_donors, n_frames, n_segments)
        rows = _with_frames(rows, missing)
        if n_new > len(rows):
            raise ValueError(
                f"{n_new} new sequences were asked for, but only {len(rows)} of the {possible} "
                f"that {n_donors} plants can make have a frame that is not missing."
            )
        return rows[np.sort(rng.choice(len(rows), n_new, replace=False))]
    rows = np.empty((0, n_frames), dtype=np.intp)
    while len(rows) < n_new:
        drawn = _random_splices(2 * (n_new - len(rows)), n_donors, n_frames, n_segments, rng)
        rows = np.concatenate([rows, _with_frames(drawn, missing)])
        first = np.unique(rows, axis=0, return_index=True)[1]
        rows = rows[np.sort(first)][:n_new]
    return rows


def _with_frames(rows, missing):
    return rows[~gather(missing, rows).all(axis=1)]


def _random_splices(size, n_donors, n_frames, n_segments, rng):
    n_cuts = np.arange(1, n_segments)
    counts = [comb(n_frames - 1, k) * (n_donors - 1) ** int(k) for k in n_cuts]
    total = sum(counts)
    n_cuts = rng.choice(n_cuts, size=(size, 1), p=[count / total for count in counts])
    # The frames where the donor changes: those with the n_cuts lowest random ranks.
    ranks = rng.random_sample((size, n_frames - 1)).argsort(axis=1).argsort(axis=1)
    steps = rng.randint(1, n_donors, size=ranks.shape) * (ranks < n_cuts)
    first = rng.randint(n_donors, size=(size, 1))
    return np.hstack([first, first + np.cumsum(steps, axis=1)]) % n_donors


def _all_splices(n_donors, n_frames, n_segments):
    rows = []
    for n_cuts in range(1, n_segments):
        for cuts in combinations(range(1, n_frames), n_cuts):
            lengths = np.diff([0, *cuts, n_frames])
            for first_and_steps in product(range(n_donors), *[range(1, n_donors)] * n_cuts):
                rows.append(np.repeat(np.cumsum(first_and_steps) % n_donors, lengths))
    return np.array(rows)


def _check_strata(strata, X):
    if strata is None:
        return np.zeros(len(X))
    strata = column_or_1d(strata)
    check_consistent_length(X, strata)
    unknown = np.flatnonzero(strata != strata)  # NaN alone differs from itself
    if len(unknown):
        raise ValueError(f"strata is NaN for sample {unknown[0]}: give unknown ones a level.")
    return strata


def _check_possible(label, n_new, plants, n_frames, n_segments, possible):
    if n_new <= possible:
        return
    n_plants = sum(len(p) for p in plants)
    if max(len(p) for p in plants) == 1:
        where = "" if len(plants) == 1 else ", each alone in its stratum"
        raise ValueError(
            f"Class {label} has {n_plants} sequence{'s' * (n_plants > 1)}{where}: a splice needs "
            f"at least 2 of one class to draw from, and {n_new} new ones were asked for."
        )
    raise ValueError(
        f"{n_new} new sequences were asked for in class {label}, but only {possible} different "
        f"ones are possible from {n_plants} sequences of {n_frames} frames in {n_segments} "
        f"segments at most. Ask for fewer, or raise n_segments."
    )


def _share_out(n_new, plants, possible):
    """Share n_new among strata in proportion to their plants, none beyond what is possible."""
    shares = [0] * len(plants)
    # The stratum that is furthest behind its share comes first (D'Hondt's rule).
    queue = [(-len(p), s) for s, p in enumerate(plants) if possible[s] > 0]
    heapify(queue)
    for _ in range(n_new):
        s = queue[0][1]
        shares[s] += 1
        if shares[s] < possible[s]:
            heapreplace(queue, (-len(plants[s]) / (shares[s] + 1), s))
        else:
            heappop(queue)
    return shares
