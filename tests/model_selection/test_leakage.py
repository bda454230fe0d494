"""The leakage check: what it finds and what it lets pass, and what leaks do to a score on noise."""

from collections import Counter

import numpy as np
import pytest
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
from skwater.model_selection import _leakage, check_no_leakage
from skwater.model_selection._digests import frame_digests

TRAIN, TEST = np.arange(6), np.arange(6, 8)


@pytest.fixture
def plants(make_sequences):
    return make_sequences(), np.arange(8)


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_plants_apart_pass(make_sequences, ndim):
    check_no_leakage(TRAIN, TEST, np.arange(8), make_sequences(ndim=ndim))


def test_row_12_plants_on_both_sides_are_named():
    groups = ["a", "b", "c", "d", "e", "f", "b", "f"]
    with pytest.raises(ValueError, match="Plants on both sides of the split: b, f"):
        check_no_leakage(TRAIN, TEST, groups)


def test_many_plants_are_counted():
    with pytest.raises(ValueError, match="0, 1, 2, 3, 4 and 3 more"):
        check_no_leakage(range(8), range(8), np.arange(8))


@pytest.mark.parametrize("lazy", [False, True])
def test_splices_made_before_the_split_are_found(plants, lazy):
    X, plant = plants
    X, _ = RSSResampler(8, lazy=lazy, random_state=0).fit_resample(X, plant % 2)
    found = "Donors on both sides" if lazy else "Frames on both sides"
    with pytest.raises(ValueError, match=found):
        check_no_leakage(np.arange(8, 16), np.arange(8), np.arange(16), X)


def test_lazy_splices_of_the_training_plants_pass(plants):
    X, plant = plants
    spliced, _ = RSSResampler(6, lazy=True, random_state=0).fit_resample(X[TRAIN], plant[TRAIN] % 2)
    half = np.flatnonzero(~np.isin(spliced.donors, [0, 1]).any(axis=1))
    rest = np.flatnonzero(np.isin(spliced.donors, [0, 1]).all(axis=1))
    check_no_leakage(half, rest, np.arange(len(spliced)), spliced)


def test_one_copied_photo_is_located(plants):
    X, plant = plants
    X[7, 3] = X[2, 3]
    found = r"from 3 on of plant 7 \(sample 7\), tested, and plant 2 \(sample 2\), trained on"
    with pytest.raises(ValueError, match=found):
        check_no_leakage(TRAIN, TEST, plant, X)


@pytest.mark.parametrize("dtype", [object, str])
def test_one_copied_path_is_located(dtype):
    paths = np.array([[f"{i}/{t}.png" for t in range(8)] for i in range(4)], dtype=dtype)
    paths[3] = [str(path) for path in paths[0]]
    with pytest.raises(ValueError, match=r"plant 3 .*plant 0"):
        check_no_leakage([0, 1], [2, 3], groups=range(4), X=paths)


def test_data_frames_are_read(plants):
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(4, 8)))
    check_no_leakage([0, 1], [2, 3], groups=range(4), X=table)
    table.iloc[3] = table.iloc[0]
    with pytest.raises(ValueError, match=r"plant 3 .*plant 0"):
        check_no_leakage([0, 1], [2, 3], groups=range(4), X=table)


def test_black_and_missing_frames_are_alike_by_themselves(plants):
    X, plant = plants
    X[:, 0], X[:, 1] = 0, np.nan
    check_no_leakage(TRAIN, TEST, plant, X)


def test_groups_of_another_length(plants):
    X, plant = plants
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        check_no_leakage([0], [1], plant[:7], X)


def test_masks_are_rows(plants):
    X, plant = plants
    X[7, 3] = X[2, 3]
    tested = plant >= 6
    with pytest.raises(ValueError, match=r"plant 7 .*, tested, and plant 2 .*, trained on"):
        check_no_leakage(~tested, tested, plant, X)


def test_many_splits_digest_a_frame_once(plants, monkeypatch):
    X, plant = plants
    X[7, 3] = X[2, 3]
    digested = Counter()

    def count(X, rows):
        digested.update(rows)
        return frame_digests(X, rows)

    monkeypatch.setattr(_leakage, "frame_digests", count)
    check = _leakage.LeakageCheck(plant, X)
    for tested in (0, 1, 3):
        check(np.setdiff1d(plant, [tested, 7]), [tested])
    with pytest.raises(ValueError, match=r"plant 7 .*, tested, and plant 2 .*, trained on"):
        check(TRAIN, TEST)
    assert digested == Counter(range(8))


@pytest.mark.parametrize("name", [np.nan, None])
def test_plant_without_a_name(name):
    with pytest.raises(ValueError, match=f"groups is {name} for sample 1: without a name"):
        check_no_leakage([0, 1], [2], np.array(["a", name, name], dtype=object))


@pytest.mark.parametrize("lazy", [True, False])
def test_donor_before_the_onset_is_found_on_the_other_side(lazy):
    X, y = noise(0, 8, 2)
    sampler = RSSResampler(60, n_segments=2, onset=4, lazy=lazy, random_state=0)
    X_new, y_new = sampler.fit_resample(X, y)
    before, after = sampler.donors_[:, 0], sampler.donors_[:, -1]
    new = np.flatnonzero(y[before] != y_new)[0]  # a splice with frames of the other class
    others = np.setdiff1d(np.arange(30), [before[new], after[new]])
    plants = np.arange(len(X_new))
    check_no_leakage(others, [new], plants, X_new)
    donors = rf"rows {before[new]} of the base" if lazy else rf"sample {before[new]}\), trained on"
    with pytest.raises(ValueError, match=donors):
        check_no_leakage([*others, before[new]], [new], plants, X_new)


# Why splicing belongs inside the pipeline: on noise, every score above chance is a leak.


def noise(seed, *shape):
    """30 plants of pure noise, 9 of them called stressed."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(30, *shape)), rng.permutation([0] * 21 + [1] * 9)


def scores(model, seasons, onset=None):
    """Mean balanced accuracy with splicing before the split, and with splicing inside."""
    sampler = RSSResampler(60, onset=onset, random_state=0)
    how = {"cv": StratifiedKFold(2, shuffle=True, random_state=0), "scoring": "balanced_accuracy"}
    before = [cross_val_score(model, *sampler.fit_resample(X, y), **how) for X, y in seasons]
    inside = [cross_val_score(make_pipeline(sampler, model), X, y, **how) for X, y in seasons]
    return np.mean(before), np.mean(inside)


# With an onset fewer frames tell the class, so splicing before the split misleads a little less.
@pytest.mark.parametrize(("onset", "reported"), [(None, 0.9), (10, 0.8), (20, 0.65)])
def test_nearest_neighbour_learns_noise_only_by_splicing_before_the_split(onset, reported):
    seasons = [noise(seed, 40) for seed in range(20)]
    before, inside = scores(KNeighborsClassifier(1), seasons, onset)
    assert before > reported
    assert abs(inside - 0.5) < 0.1


@pytest.mark.parametrize(("onset", "reported"), [(None, 0.8), (2, 0.65)])
@pytest.mark.parametrize("frame", [(32,), (4, 4, 2)], ids=["3-D", "5-D"])
def test_convlstm_learns_noise_only_by_splicing_before_the_split(frame, onset, reported):
    model = ConvLSTMClassifier(
        hidden_channels=16, head_channels=(), lr=0.05, max_epochs=12, batch_size=64, random_state=0
    )
    before, inside = scores(model, [noise(seed, 4, *frame) for seed in range(6)], onset)
    assert before > reported
    assert abs(inside - 0.5) < 0.15
