"""Rows of donors: counted exactly, drawn uniformly, each held against a list of all."""

import threading
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skwater import RSSResampler
from skwater.resampling._donors import DonorRows


def enumerate_rows(rows):
    """All rows of a DonorRows, by its definition."""
    n_any, n_frames = rows.missing.shape
    before, after = [range(n_any)] * rows.onset, [range(rows.n_own)] * (n_frames - rows.onset)
    found = set()
    for row in product(*before, *after):
        cuts = np.flatnonzero(np.diff(row)) + 1
        cut_as_asked = rows.onset in cuts if rows.onset else len(cuts) > 0
        has_frame = not rows.missing[row, np.arange(n_frames)].all()
        if cut_as_asked and len(cuts) < rows.n_segments and has_frame:
            found.add(row)
    return found


@st.composite
def donor_rows(draw):
    """Few enough to be listed; without an onset all donors are of the class."""
    n_frames = draw(st.integers(2, 5))
    onset = draw(st.integers(0, n_frames - 1))
    n_own = draw(st.integers(1, 3))
    n_any = n_own + (draw(st.integers(0, 2)) if onset else 0)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    missing = rng.random((n_any, n_frames)) < draw(st.sampled_from([0, 0.4, 0.8, 1]))
    return DonorRows(missing, n_own, draw(st.integers(2, n_frames)), onset)


@settings(deadline=None, max_examples=200)
@given(donor_rows(), st.data(), st.integers(0, 2**32 - 1))
def test_counts_and_draws_are_of_all_rows(rows, data, seed):
    possible = enumerate_rows(rows)
    everything = DonorRows(np.zeros_like(rows.missing), rows.n_own, rows.n_segments, rows.onset)
    assert rows.count() == len(possible)
    assert rows.count_all() == len(enumerate_rows(everything))
    n_new = data.draw(st.integers(0, len(possible)))
    drawn = rows.draw(n_new, np.random.RandomState(seed))
    assert drawn.shape == (n_new, rows.missing.shape[1])
    assert len(set(map(tuple, drawn))) == n_new
    assert set(map(tuple, drawn)) <= possible


LACKING = np.array([[0, 1, 1, 1], [1, 1, 1, 0], [1, 0, 1, 1], [1, 1, 0, 1]], dtype=bool)


@pytest.mark.parametrize("share", [0.1, 0.6])  # drawn blindly, and from the list of all
@pytest.mark.parametrize("n_segments", [2, 3, 4])
@pytest.mark.parametrize(
    ("n_own", "onset"), [(3, 0), (2, 1), (2, 2), (1, 3)], ids=["plain", "1", "2", "one plant, 3"]
)
@pytest.mark.parametrize("lacking", [False, True])
def test_draws_are_uniform(n_own, onset, n_segments, share, lacking):
    missing = (LACKING & lacking)[: 4 if onset else n_own]
    rows = DonorRows(missing, n_own, n_segments, onset)
    possible = sorted(enumerate_rows(rows))
    n_new = min(max(1, round(share * len(possible))), len(possible) - 1)
    if n_new < 1:
        pytest.skip("there is nothing to choose from")
    rng = np.random.RandomState(0)
    n_draws = 400
    counts = Counter()
    for _ in range(n_draws):
        counts.update(map(tuple, rows.draw(n_new, rng)))
    assert set(counts) <= set(possible)
    share = n_new / len(possible)
    deviation = np.array([counts[row] - n_draws * share for row in possible])
    z = deviation / np.sqrt(n_draws * share * (1 - share))
    assert np.abs(z).max() < 4.5
    # The numbers add up to n_draws * n_new, so few rows leave few degrees of freedom.
    assert np.mean(z**2) < 1.5 + 6 / np.sqrt(len(possible))


def test_counts_beyond_the_integers_of_numpy():
    rows = DonorRows(np.zeros((30, 60), dtype=bool), 30, 60)
    assert rows.count() == 30**60 - 30
    missing = np.zeros((30, 60), dtype=bool)
    missing[:15] = True
    assert DonorRows(missing, 30, 60).count() == 30**60 - 30 - (15**60 - 15)


def test_every_row_is_cut_at_the_onset_and_some_on_both_sides():
    rows = DonorRows(np.zeros((12, 10), dtype=bool), 4, 4, onset=5)
    cuts = np.diff(rows.draw(2000, np.random.RandomState(0)), axis=1) != 0
    assert cuts[:, 4].all()
    assert cuts.sum(axis=1).max() == 3
    further = np.column_stack([cuts[:, :4].sum(axis=1), cuts[:, 5:].sum(axis=1)])
    assert {(0, 0), (1, 0), (0, 1), (1, 1), (2, 0), (0, 2)} == set(map(tuple, further))


def run_for_at_most(seconds, function):
    """Run function in a thread and return its error or result, or fail if it does not end."""
    outcome = []

    def run():
        try:
            outcome.append(function())
        except Exception as error:
            outcome.append(error)

    # A daemon, so that a thread without an end does not keep the tests from ending.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    assert outcome, f"no end after {seconds} s"
    return outcome[0]


@pytest.mark.parametrize("n_frames", [3, 8])
@pytest.mark.parametrize("n_segments", [2, "frame"])
def test_d3_more_than_are_possible_with_missing_frames_is_no_endless_loop(n_frames, n_segments):
    X = np.full((410, n_frames), np.nan)
    X[:400] = X[400, 0] = 1.0  # one frame among ten plants
    y = np.repeat([0, 1], [400, 10])
    possible = len_with_first_frame(n_frames, n_segments)
    sampler = RSSResampler({0: 400, 1: 11 + possible}, n_segments=n_segments, random_state=0)
    if possible < 10_000:
        error = run_for_at_most(60, lambda: sampler.fit_resample(X, y))
        assert isinstance(error, ValueError)
        assert f"only {possible} different ones with a frame" in str(error)
    sampler.set_params(sampling_strategy={0: 400, 1: 10 + min(possible, 300)})
    result = run_for_at_most(60, lambda: sampler.fit_resample(X, y)[0])
    assert len(result) == 410 + min(possible, 300)
    assert not np.isnan(result[410:]).all(axis=1).any()


def len_with_first_frame(n_frames, n_segments):
    """Number of splices of ten plants that begin with a given one."""
    return 9 * (n_frames - 1) if n_segments == 2 else 10 ** (n_frames - 1) - 1
