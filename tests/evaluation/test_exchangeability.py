"""exchangeability_test: noise, differences before the onset, strata, and what it reads."""

import numpy as np
import pytest
from counting import CountingClassifier

from skwater import SplicedSequences
from skwater.datasets import fetch_eschikon_indicators
from skwater.evaluation import exchangeability_test, permutation_test

ONSET = 3


def make_season(ndim=2, n=24, effect_before=0.0, effect_after=3.0, seed=0):
    """Noise of six frames, to which one class in three adds its effects."""
    shape = {2: (), 3: (4,), 4: (5, 5), 5: (5, 5, 3)}[ndim]
    rng = np.random.default_rng(seed)
    y = (np.arange(n) % 3 == 0).astype(int)
    X = rng.normal(size=(n, 6, *[1] * len(shape))) + 0.1 * rng.normal(size=(n, 6, *shape))
    if ndim == 5:  # color images of bytes
        X = X * 20 + 120
        effect_before, effect_after = effect_before * 20, effect_after * 20
    X[y == 1, :ONSET] += effect_before
    X[y == 1, ONSET:] += effect_after
    return (X.clip(0, 255).astype(np.uint8) if ndim == 5 else X), y


def pvalue(X, y, onset=ONSET, **options):
    options = {
        "groups": np.arange(len(y)),
        "n_permutations": 39,
        "random_state": 0,
        "verbose": 0,
    } | options
    return exchangeability_test(X, y, onset, **options).pvalue


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_a_difference_before_the_onset_is_found(ndim):
    assert pvalue(*make_season(ndim, effect_before=2)) <= 0.05


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
def test_stress_after_the_onset_is_not_seen(ndim):
    assert pvalue(*make_season(ndim)) > 0.1
    assert pvalue(*make_season(ndim), onset=ONSET + 1) <= 0.05


def test_small_p_are_rare_on_noise():
    pvalues = np.array([pvalue(*make_season(seed=seed), n_permutations=19) for seed in range(12)])
    assert np.mean(pvalues <= 0.2) < 0.55  # 3 standard deviations above 0.2
    assert 0.3 < pvalues.mean() < 0.8


def test_strata_take_out_what_they_know():
    nitrogen = np.repeat(["high", "low"], 20)
    y = np.isin(np.arange(40), [0, 1, 2, *range(20, 34)]).astype(int)  # 3 of 20, and 14 of 20
    X = np.random.default_rng(0).normal(size=(40, 6))
    X[nitrogen == "low"] += 3
    assert pvalue(X, y) <= 0.05
    assert pvalue(X, y, strata=nitrogen) > 0.1


def test_labels_of_treatments_are_exchanged():
    X, _ = make_season(n=14)
    treatments = np.arange(14) // 2
    y = np.isin(treatments, [1, 3]).astype(int)
    X[y == 1] += 5
    options = {"groups": np.arange(14), "treatments": treatments, "verbose": 0, "random_state": 0}
    result = exchangeability_test(X, y, ONSET, **options)
    assert (result.n_labelings, result.exact, result.pvalue) == (21, True, 1 / 21)


@pytest.mark.parametrize("lazy", [False, True])
def test_an_estimator_is_given_the_frames_before_the_onset(lazy):
    X, y = make_season()
    options = {"groups": np.arange(len(y)), "n_permutations": 19, "random_state": 0, "verbose": 0}
    by_hand = permutation_test(CountingClassifier(), X[:, :ONSET], y, **options)
    X = SplicedSequences(X) if lazy else X
    result = exchangeability_test(X, y, ONSET, estimator=CountingClassifier(), **options)
    assert np.array_equal(result.null, by_hand.null)
    assert result.score == by_hand.score


def test_lazy_images_give_the_same_as_an_array():
    X, y = make_season(5, effect_before=1)
    assert pvalue(SplicedSequences(X), y) == pvalue(X, y)


def test_missing_frames():
    X, y = make_season(3, effect_before=2)
    X[np.arange(24), np.arange(24) % ONSET] = np.nan
    X[:, 1] = np.nan  # on a date that no plant has
    X[:, 2] = np.random.default_rng(0).normal(size=X[:, 2].shape) + 2 * y[:, None]
    assert pvalue(X, y) <= 0.05
    X[5, :ONSET] = np.nan
    with pytest.raises(ValueError, match="no frame at all in sample 5"):
        pvalue(X, y)


def test_classes_of_text():
    X, _ = make_season(effect_before=2)
    assert pvalue(X, np.array(["watered", "half", "dry"])[np.arange(24) % 3]) <= 0.05


@pytest.mark.parametrize(
    ("onset", "match"),
    [(0, "onset"), (7, "onset=7 is above the number of frames, 6"), (2.5, "onset")],
)
def test_wrong_onset(onset, match):
    with pytest.raises(ValueError, match=match):
        pvalue(*make_season(), onset=onset)


def test_all_frames_may_be_before_the_onset():
    assert pvalue(*make_season(), onset=6) <= 0.05


def test_other_wrong_arguments():
    X, y = make_season()
    with pytest.raises(ValueError, match="Treatment 0 has plants of the classes"):
        pvalue(X, y, treatments=np.arange(24) // 6)
    with pytest.raises(ValueError, match="estimator"):
        pvalue(X, y, estimator="ridge")


@pytest.mark.filterwarnings("ignore:p can never be below 0.11")
def test_eschikon_within_nitrogen_levels(test_data):
    """Figures of the user guide: nothing is found until day 28, and nine labelings prove little."""
    plants = fetch_eschikon_indicators(test_data, download_if_missing=False)
    options = {"groups": plants.plant, "treatments": plants.treatment, "verbose": 0}
    options |= {"strata": plants.nitrogen, "random_state": 0}
    before = exchangeability_test(plants.data, plants.target, plants.onset, **options)
    later = exchangeability_test(plants.data, plants.target, 12, **options)
    assert before.n_labelings == later.n_labelings == 9
    assert before.pvalue > 0.5
    assert before.score < 0.5
    assert later.pvalue == later.smallest_pvalue == pytest.approx(1 / 9)
    assert later.score > 0.9
