"""Random Sequence Splicing: what every draw must keep, and what must be refused."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.base import clone
from sklearn.neighbors import KNeighborsClassifier

from skwater import RSSResampler, SplicedSequences, make_pipeline
from skwater.resampling import splice
from skwater.resampling._donors import DonorRows

seeds = st.integers(0, 2**32 - 1)
strategies = st.sampled_from(["auto", "all", "not majority", 7])
segments = st.sampled_from([2, 3, 5, 100, "frame"])


@st.composite
def seasons(draw):
    """X and y of two or three classes, at least two plants each."""
    sizes = draw(st.lists(st.integers(2, 6), min_size=2, max_size=3))
    frame = draw(st.sampled_from([(), (2,), (3, 2), (2, 3, 2)]))
    dtype = draw(st.sampled_from(["uint8", "uint16", "float32", "float64", "U8", "object"]))
    rng = np.random.default_rng(draw(seeds))
    y = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    shape = (len(y), draw(st.integers(2, 7)), *frame)
    return rng.permutation(np.prod(shape)).reshape(shape).astype(dtype), y


def n_pieces(row):
    return 1 + np.count_nonzero(np.diff(row))


def count(n_donors, n_frames, n_segments):
    return DonorRows(np.zeros((n_donors, n_frames), bool), n_donors, n_segments).count()


def few_cuts(donors, n_segments):
    cuts = (np.diff(donors, axis=1) != 0).sum(axis=1)
    return n_segments == "frame" or (cuts < n_segments).all()


@pytest.mark.filterwarnings("ignore:The classes are balanced")
@settings(deadline=None, max_examples=100)
@given(
    seasons(), segments, st.sampled_from(["auto", "all", "not majority", 7]), st.booleans(), seeds
)
def test_every_draw(season, n_segments, strategy, lazy, seed):
    X, y = season
    sampler = RSSResampler(strategy, n_segments=n_segments, lazy=lazy, random_state=seed)
    try:
        Z, z = sampler.fit_resample(X, y)
    except ValueError as error:
        assert "different ones are possible" in str(error)  # noqa: PT017
        return
    donors = sampler.donors_
    n, t = X.shape[:2]
    assert Z.shape == (len(z), *X.shape[1:])
    assert Z.dtype == X.dtype
    assert isinstance(Z, SplicedSequences) == lazy
    Z = np.asarray(Z)
    assert np.array_equal(Z[:n], X)
    assert np.array_equal(z[:n], y)
    assert donors.shape == (len(z), t)
    assert np.array_equal(Z, X[donors, np.arange(t)])
    assert np.array_equal(y[donors], np.repeat(z[:, None], t, axis=1))
    assert len(np.unique(donors, axis=0)) == len(donors)
    assert few_cuts(donors, n_segments)
    size = strategy if isinstance(strategy, int) else max(Counter(y).values())
    assert set(Counter(z).values()) == {size}


@settings(deadline=None, max_examples=50)
@given(seasons(), segments, seeds)
def test_lazy_equals_eager(season, n_segments, seed):
    X, y = season
    X, y = np.concatenate([X, X]), np.concatenate([y, y])  # room for what is asked for
    params = {"sampling_strategy": 16, "n_segments": n_segments, "random_state": seed}
    eager, y_eager = RSSResampler(**params).fit_resample(X, y)
    lazy, y_lazy = RSSResampler(lazy=True, **params).fit_resample(X, y)
    assert np.array_equal(eager, lazy)
    assert np.array_equal(y_eager, y_lazy)


@pytest.fixture
def noise(make_sequences):
    """13 plants of class 0 and 6 of class 1, two channels of one date after the other."""
    return make_sequences(19, 6, ndim=3, seed=3), np.array([0] * 13 + [1] * 6)


@pytest.mark.parametrize(
    ("strategy", "sizes"),
    [
        ("auto", {"a": 7, "b": 7, "c": 7}),
        ("minority", {"a": 3, "b": 7, "c": 7}),
        ("not minority", {"a": 7, "b": 7, "c": 2}),
        ("not majority", {"a": 7, "b": 7, "c": 7}),
        ("all", {"a": 7, "b": 7, "c": 7}),
        ({"a": 9, "c": 2}, {"a": 9, "b": 7, "c": 2}),
        (lambda y: {"b": len(y) - 2}, {"a": 3, "b": 10, "c": 2}),
        (20, {"a": 20, "b": 20, "c": 20}),
    ],
    ids=["auto", "minority", "not minority", "not majority", "all", "dict", "callable", "int"],
)
def test_sampling_strategy(make_sequences, strategy, sizes):
    y = np.array(list("aaabbbbbbbcc"))
    X = make_sequences(12, 8, ndim=2)
    _, z = RSSResampler(strategy, n_segments="frame", random_state=0).fit_resample(X, y)
    assert Counter(z.tolist()) == sizes


def test_ratio_of_minority_to_majority(noise):
    _, y = RSSResampler(0.8, random_state=0).fit_resample(*noise)
    assert Counter(y.tolist()) == {0: 13, 1: 10}


@pytest.mark.parametrize("strategy", [0, -3, 1.5, "most", [0, 1], None])
def test_unknown_strategy(noise, strategy):
    with pytest.raises(ValueError, match="sampling_strategy"):
        RSSResampler(strategy).fit_resample(*noise)


@pytest.mark.parametrize("strategy", [12, {0: 5}], ids=str)
def test_nothing_is_thrown_away(noise, strategy):
    with pytest.raises(ValueError, match="13"):
        RSSResampler(strategy).fit_resample(*noise)


@pytest.mark.parametrize("n_segments", [1, 0, 2.5, "frames", None])
def test_unknown_segments(noise, n_segments):
    with pytest.raises(ValueError, match="'n_segments' parameter"):
        RSSResampler(n_segments=n_segments).fit_resample(*noise)


@pytest.mark.parametrize("dtype", [object, str])
@pytest.mark.parametrize("onset", [None, 2])
def test_table_of_paths(dtype, onset):
    paths = np.array([[f"plant{i}/day{t}.png" for t in range(5)] for i in range(7)], dtype=dtype)
    sampler = RSSResampler(onset=onset, random_state=0)
    X, _ = sampler.fit_resample(paths, [0, 0, 0, 0, 0, 1, 1])
    assert X.dtype == paths.dtype
    assert X.shape == (10, 5)
    expected = [[f"plant{i}/day{t}.png" for t, i in enumerate(row)] for row in sampler.donors_]
    assert X.tolist() == expected


def test_lazy_input_stays_lazy_over_the_same_base(noise):
    X, y = noise
    once, y_once = RSSResampler(20, lazy=True, random_state=0).fit_resample(X, y)
    sampler = RSSResampler(30, random_state=1)
    twice, _ = sampler.fit_resample(once, y_once)
    assert twice.base is X
    assert np.array_equal(twice, splice(np.asarray(once), sampler.donors_))


def test_lists_come_back_as_lists():
    X, y = RSSResampler(random_state=0).fit_resample(
        [[1, 2], [3, 4], [5, 6]] * 2, [0, 0, 0, 0, 1, 1]
    )
    assert isinstance(X, list)
    assert isinstance(y, list)
    assert sorted(X[6:]) == [[3, 6], [5, 4]]


@pytest.mark.parametrize("n_segments", [2, 3, "frame"])
def test_all_that_are_possible_come_once(make_sequences, n_segments):
    X, y = make_sequences(5, 4, ndim=2), np.array([0, 0, 0, 1, 1])
    limit = 4 if n_segments == "frame" else n_segments
    rows = [row for row in product(range(3), repeat=4) if 1 < n_pieces(row) <= limit]
    n_all = 3 + len(rows)
    sampler = RSSResampler({0: n_all}, n_segments=n_segments, random_state=0)
    sampler.fit_resample(X, y)
    assert sorted(map(tuple, sampler.donors_[5:])) == rows
    sampler.set_params(sampling_strategy={0: n_all + 1})
    with pytest.raises(ValueError, match=rf"class 0, but only {len(rows)} different"):
        sampler.fit_resample(X, y)
    sampler.set_params(sampling_strategy={0: n_all + 7}, allow_fewer=True)
    with pytest.warns(UserWarning, match=rf"Only {len(rows)} of {len(rows) + 7} .* are possible"):
        sampler.fit_resample(X, y)
    assert sorted(map(tuple, sampler.donors_[5:])) == rows
    assert sampler.sampling_strategy_ == {0: len(rows)}
    assert sampler.n_lacking_ == 7
    one = X[2:], y[2:]  # a single plant of class 0
    with pytest.raises(ValueError, match="Class 0 has 1 sequence"):
        sampler.fit_resample(*one)


@pytest.mark.parametrize(("onset", "expected"), [(None, 3), (4, 2)])
def test_default_number_of_segments(noise, onset, expected):
    X, y = noise
    one, other = RSSResampler(30, onset=onset), RSSResampler(30, n_segments=expected, onset=onset)
    for sampler in (one, other):
        sampler.set_params(random_state=0).fit_resample(X, y)
    assert np.array_equal(one.donors_, other.donors_)


@pytest.mark.parametrize("onset", [None, 3])
def test_more_segments_if_more_sequences_are_asked_for(make_sequences, onset):
    X, y = make_sequences(6, 6, ndim=2), np.array([0, 0, 0, 0, 1, 1])
    sampler = RSSResampler({1: 40}, onset=onset, random_state=0)
    sampler.fit_resample(X, y)
    cuts = (np.diff(sampler.donors_[6:], axis=1) != 0).sum(axis=1)
    assert cuts.max() > (1 if onset else 2)
    assert len(np.unique(sampler.donors_, axis=0)) == 4 + 40


def test_few_frames_are_cut_at_every_frame(make_sequences):
    X, y = make_sequences(4, 3, ndim=2), [0, 0, 1, 1]
    one, other = (
        RSSResampler(5, n_segments=50, random_state=0),
        RSSResampler(5, n_segments="frame", random_state=0),
    )
    assert np.array_equal(one.fit_resample(X, y)[0], other.fit_resample(X, y)[0])


def test_one_frame_passes_through(make_sequences):
    X, y = make_sequences(5, 1), np.array([0, 0, 0, 1, 1])
    sampler = RSSResampler(random_state=0)
    with pytest.warns(UserWarning, match="one frame cannot be spliced"):
        X_new, y_new = sampler.fit_resample(X, y)
    assert np.array_equal(X_new, X)
    assert np.array_equal(y_new, y)
    assert sampler.donors_.tolist() == [[0], [1], [2], [3], [4]]


def test_class_of_one_plant(noise):
    X, _ = noise
    y = np.array(["dry"] + ["wet"] * 18)
    with pytest.raises(ValueError, match=r"Class dry has 1 sequence: .*17 new ones"):
        RSSResampler().fit_resample(X, y)


def test_one_class(noise):
    with pytest.raises(ValueError, match="needs to have more than 1 class"):
        RSSResampler(30).fit_resample(noise[0], np.zeros(19))


def test_continuous_target(noise):
    with pytest.raises(ValueError, match="Unknown label type"):
        RSSResampler().fit_resample(noise[0], np.linspace(0, 1, 19))


def test_balanced_data_is_left_alone_by_auto(noise):
    with pytest.warns(
        UserWarning, match=r"balanced, so sampling_strategy='auto' adds nothing"
    ) as w:
        X, y = RSSResampler(random_state=0).fit_resample(noise[0][:12], [0, 1] * 6)
    assert len(w) == 1
    assert np.array_equal(X, noise[0][:12])
    assert np.array_equal(y, [0, 1] * 6)


def test_classes_that_have_their_number_are_not_called_balanced(noise):
    with pytest.warns(UserWarning, match="Every class has its number already, so"):
        X, _ = RSSResampler({0: 13, 1: 6}).fit_resample(*noise)
    assert np.array_equal(X, noise[0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("onset", [None, 2])
@pytest.mark.parametrize(
    ("strategy", "y"), [("auto", [0, 1, 1] * 4), (20, [0, 1] * 6), ({0: 9}, [0, 1] * 6)], ids=str
)
def test_no_warning_if_something_is_added(noise, strategy, y, onset):
    sampler = RSSResampler(strategy, onset=onset, random_state=0)
    X_new, _ = sampler.fit_resample(noise[0][:12], y)
    assert len(X_new) > 12


def test_strata_never_mix(noise):
    X, y = noise
    strata = np.array(list("lmh" * 6 + "l"))
    sampler = RSSResampler(60, random_state=0)
    sampler.fit_resample(X, y, strata=strata)
    assert (strata[sampler.donors_] == strata[sampler.donors_[:, :1]]).all()


def test_new_sequences_are_shared_out_in_proportion(noise):
    X, y = noise
    strata = np.array(["low"] * 9 + ["high"] * 4 + ["low"] * 4 + ["high"] * 2)
    sampler = RSSResampler({0: 13 + 26, 1: 6 + 12}, random_state=0)
    sampler.fit_resample(X, y, strata)
    new = sampler.donors_[19:, 0]
    shares = Counter(zip(y[new].tolist(), strata[new].tolist(), strict=True))
    assert shares == {(0, "low"): 18, (0, "high"): 8, (1, "low"): 8, (1, "high"): 4}


def test_full_stratum_leaves_the_rest_to_the_others(make_sequences):
    X, y = make_sequences(8, 3, ndim=2), np.array([0] * 5 + [1] * 3)
    strata = np.array([0, 0, 1, 1, 1, 0, 0, 0])
    possible = count(2, 3, 3) + count(3, 3, 3)
    sampler = RSSResampler({0: 5 + possible}, random_state=0)
    sampler.fit_resample(X, y, strata)
    assert Counter(strata[sampler.donors_[8:, 0]].tolist()) == {0: 6, 1: possible - 6}
    sampler.set_params(sampling_strategy={0: 6 + possible})
    with pytest.raises(ValueError, match=rf"only {possible} different ones"):
        sampler.fit_resample(X, y, strata)


def test_stratum_of_one_plant_gets_none(noise):
    X, y = noise
    strata = np.array(["alone"] + ["low"] * 18)
    sampler = RSSResampler(30, random_state=0)
    _, z = sampler.fit_resample(X, y, strata)
    assert (z == 0).sum() == 30
    assert not (sampler.donors_[19:] == 0).any()


def test_every_plant_alone_in_its_stratum(noise):
    X, y = noise
    with pytest.raises(ValueError, match="Class 1 has 6 sequences, each alone in its stratum"):
        RSSResampler().fit_resample(X, y, strata=np.arange(19))


def test_strata_of_another_length(noise):
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        RSSResampler().fit_resample(*noise, strata=[1, 2, 3])


def resample(sampler, noise):
    return sampler.fit_resample(*noise)[0]


def test_seed_repeats_the_draw(noise):
    one, same, other = (resample(RSSResampler(random_state=s), noise) for s in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_random_state_instance_moves_on(noise):
    sampler = RSSResampler(random_state=np.random.RandomState(1))
    assert not np.array_equal(resample(sampler, noise), resample(sampler, noise))


def test_without_a_seed_one_sampler_repeats_itself(noise):
    sampler = RSSResampler()
    first = resample(sampler, noise)
    assert np.array_equal(resample(sampler, noise), first)
    assert np.array_equal(resample(RSSResampler(random_state=sampler.seed_), noise), first)
    assert not np.array_equal(resample(clone(sampler), noise), first)


def test_global_generator_stays_with_a_seed(noise):
    before = np.random.get_state()  # noqa: NPY002
    resample(RSSResampler(random_state=5), noise)
    after = np.random.get_state()  # noqa: NPY002
    assert np.array_equal(before[1], after[1])
    assert before[2:] == after[2:]


def test_fit_counts_what_fit_resample_makes(noise):
    sampler = RSSResampler(20).fit(*noise)
    assert sampler.sampling_strategy_ == {0: 7, 1: 14}
    assert not hasattr(sampler, "donors_")


def test_input_is_not_changed(noise):
    X, y = noise
    kept = X.copy()
    X_new, _ = RSSResampler(random_state=0).fit_resample(X, y)
    X_new[:] = 0
    assert np.array_equal(X, kept)


def test_strata_are_routed_through_a_pipeline(noise):
    X, y = noise
    strata = np.array(list("lmh" * 6 + "l"))
    with config_context(enable_metadata_routing=True):
        sampler = RSSResampler(40, random_state=0).set_fit_resample_request(strata=True)
        pipeline = make_pipeline(sampler, KNeighborsClassifier(1))
        flat = X.reshape(19, -1)
        pipeline.fit(flat, y, strata=strata)
    donors = pipeline[0].donors_
    assert len(donors) == 80
    assert (strata[donors] == strata[donors[:, :1]]).all()


@pytest.mark.parametrize("n_new", [2, 20])  # drawn blindly, and listed
def test_no_sequence_without_a_frame(n_new):
    X = np.full((16, 3), np.nan)
    X[:4, 0] = X[4:8, 1:] = X[8:] = 1.0
    y = np.repeat([0, 1], 8)
    sampler = RSSResampler({0: 8 + n_new}, random_state=0)
    X_new, _ = sampler.fit_resample(X, y)
    assert not np.isnan(X_new).all(axis=1).any()


def test_too_few_sequences_that_have_a_frame():
    X = np.array([[1, np.nan], [np.nan, 1], [1, 1], [1, 1]])
    # Of (0, 1) and (1, 0) the second has nothing.
    with pytest.raises(ValueError, match="only 1 different ones with a frame that is not missing"):
        RSSResampler({0: 4}).fit_resample(X, [0, 0, 1, 1])


def test_long_series_have_more_splices_than_a_float_can_count():
    X = np.random.default_rng(0).random((20, 400))
    sampler = RSSResampler(20, n_segments="frame", random_state=0)
    assert sampler.fit_resample(X, [0, 1] * 10)[0].shape == (40, 400)


def test_unknown_stratum_is_refused():
    with pytest.raises(ValueError, match="strata is NaN for sample 2"):
        RSSResampler().fit_resample(np.eye(4), [0, 0, 0, 1], strata=[0, 0, np.nan, 1])


@pytest.mark.filterwarnings("ignore:The classes are balanced")
@settings(deadline=None, max_examples=100)
@given(seasons(), segments, strategies, st.data(), seeds)
def test_every_draw_with_an_onset(season, n_segments, strategy, data, seed):
    X, y = season
    n, t = X.shape[:2]
    onset = data.draw(st.integers(1, t - 1))
    params = {"n_segments": n_segments, "onset": onset, "random_state": seed}
    sampler = RSSResampler(strategy, **params)
    try:
        Z, z = sampler.fit_resample(X, y)
    except ValueError as error:
        assert "different ones are possible" in str(error)  # noqa: PT017
        return
    donors = sampler.donors_
    assert Z.dtype == X.dtype
    assert np.array_equal(Z[:n], X)
    assert np.array_equal(z[:n], y)
    assert np.array_equal(donors[:n], np.repeat(np.arange(n)[:, None], t, axis=1))
    assert np.array_equal(Z, X[donors, np.arange(t)])
    assert np.array_equal(y[donors[:, onset:]], np.repeat(z[:, None], t - onset, axis=1))
    assert len(np.unique(donors, axis=0)) == len(donors)
    assert few_cuts(donors, n_segments)
    assert (donors[n:, onset] != donors[n:, onset - 1]).all()
    size = strategy if isinstance(strategy, int) else max(Counter(y).values())
    assert set(Counter(z).values()) == {size}
    lazy, z_lazy = RSSResampler(strategy, lazy=True, **params).fit_resample(X, y)
    assert isinstance(lazy, SplicedSequences)
    assert np.array_equal(lazy, Z)
    assert np.array_equal(z_lazy, z)


def test_frames_before_the_onset_come_from_all_plants_alike(noise):
    X, y = noise
    before, after = [], []
    for seed in range(40):
        sampler = RSSResampler(n_segments=2, onset=3, random_state=seed)
        sampler.fit_resample(X, y)
        before += sampler.donors_[19:, 0].tolist()
        after += sampler.donors_[19:, -1].tolist()
    assert set(before) == set(range(19))
    assert set(after) == set(range(13, 19))
    # 13 of the 18 plants that are not the donor after the onset are of the other class.
    share = np.mean(y[before] == 0)
    assert abs(share - 13 / 18) < 4 * np.sqrt(13 / 18 * 5 / 18 / len(before))


def test_all_that_are_possible_with_an_onset_come_once(make_sequences):
    X, y = make_sequences(4, 4, ndim=2), np.array([0, 0, 1, 1])
    rows = [
        (*before, *after)
        for before in product(range(4), repeat=2)
        for after in product((2, 3), repeat=2)
        if before[1] != after[0] and n_pieces((*before, *after)) <= 3
    ]
    sampler = RSSResampler({1: 2 + len(rows)}, n_segments=3, onset=2, random_state=0)
    sampler.fit_resample(X, y)
    assert sorted(map(tuple, sampler.donors_[4:])) == sorted(rows)
    sampler.set_params(sampling_strategy={1: 3 + len(rows)})
    limit = rf"class 1, but only {len(rows)} different .* with 2 of other classes before the onset"
    with pytest.raises(ValueError, match=limit):
        sampler.fit_resample(X, y)


def test_class_of_one_plant_with_an_onset(noise):
    X, _ = noise
    y = np.array(["dry"] + ["wet"] * 18)
    sampler = RSSResampler(onset=4, random_state=0)
    _, z = sampler.fit_resample(X, y)
    assert Counter(z.tolist()) == {"dry": 18, "wet": 18}
    assert (sampler.donors_[19:, 4:] == 0).all()
    assert (sampler.donors_[19:, 3] != 0).all()


def test_strata_never_mix_before_the_onset_either(noise):
    X, y = noise
    strata = np.array(list("lmh" * 6 + "l"))
    sampler = RSSResampler(30, onset=3, random_state=0)
    sampler.fit_resample(X, y, strata=strata)
    assert (strata[sampler.donors_] == strata[sampler.donors_[:, :1]]).all()
    assert (y[sampler.donors_] != y[sampler.donors_[:, -1:]]).any()


def test_plant_alone_in_its_stratum_has_no_donor_before_the_onset(noise):
    X, y = noise
    strata = np.array(["alone"] + ["low"] * 18)
    sampler = RSSResampler(30, onset=3, random_state=0)
    sampler.fit_resample(X, y, strata)
    assert not (sampler.donors_[19:] == 0).any()
    with pytest.raises(ValueError, match="Class 0 has 13 sequences, each alone in its stratum"):
        sampler.fit_resample(X, y, np.arange(19))


@pytest.mark.parametrize("onset", [4, 5, 100])
def test_sequences_that_end_before_the_onset_are_spliced_plainly(noise, onset):
    X, y = noise[0][:, :4], noise[1]
    plain = RSSResampler(20, random_state=0).fit_resample(X, y)
    with pytest.warns(UserWarning, match=rf"4 frames end before .*\(onset={onset}\)") as w:
        aware = RSSResampler(20, onset=onset, random_state=0).fit_resample(X, y)
    assert len(w) == 1
    assert np.array_equal(aware[0], plain[0])
    assert np.array_equal(aware[1], plain[1])


def test_one_frame_with_an_onset_warns_once(noise):
    with pytest.warns(UserWarning, match="one frame cannot be spliced") as w:
        RSSResampler(onset=3).fit_resample(noise[0][:, :1], noise[1])
    assert len(w) == 1


@pytest.mark.parametrize("onset", [0, -1, 2.5, "auto"])
def test_unknown_onset(noise, onset):
    with pytest.raises(ValueError, match="'onset' parameter"):
        RSSResampler(onset=onset).fit_resample(*noise)


def test_lazy_input_with_an_onset(noise):
    X, y = noise
    once, y_once = RSSResampler(20, onset=2, lazy=True, random_state=0).fit_resample(X, y)
    sampler = RSSResampler(30, onset=2, random_state=1)
    twice, y_twice = sampler.fit_resample(once, y_once)
    assert twice.base is X
    assert np.array_equal(twice, splice(np.asarray(once), sampler.donors_))
    assert np.array_equal(y[twice.donors[:, 2:]], np.repeat(y_twice[:, None], 4, axis=1))


def test_no_sequence_with_an_onset_lacks_all_frames():
    X = np.full((16, 4), np.nan)
    X[:4, 0] = X[4:8, 2:] = X[8:12, 1] = X[12:, 3] = 1.0
    y = np.repeat([0, 1], 8)
    sampler = RSSResampler(60, onset=2, random_state=0)
    X_new, _ = sampler.fit_resample(X, y)
    assert not np.isnan(X_new[16:]).all(axis=1).any()


@pytest.mark.parametrize("onset", [1, 200, 399])
def test_long_series_with_an_onset(onset):
    X = np.random.default_rng(0).random((20, 400))
    sampler = RSSResampler(20, n_segments="frame", onset=onset, random_state=0)
    assert sampler.fit_resample(X, [0, 1] * 10)[0].shape == (40, 400)


def test_n16_the_docstring_begins_with_the_pipeline_that_takes_samplers():
    _, second, *_ = RSSResampler.__doc__.split("\n\n")
    assert "skwater.make_pipeline" in second
    assert "imbalanced-learn" in second
    assert "scikit-learn's own ``make_pipeline`` refuses samplers" in second
