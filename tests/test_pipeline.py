"""The pipeline: imbalanced-learn's, but for a FrameSampler before onset-aware splicing."""

import pickle

import imblearn.pipeline
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_union

from skwater import (
    EarlyDetector,
    Pipeline,
    RSSResampler,
    SplicedSequences,
    make_pipeline,
)
from skwater.preprocessing import FrameSampler

LR = LogisticRegression()
ONSET_AWARE = RSSResampler({0: 30, 1: 30}, onset=3, n_segments=2, random_state=0)


@pytest.fixture
def season(make_plants):
    X, y, _, _ = make_plants(n_frames=8)
    return X, y


def test_it_is_imbalanced_learns():
    pipeline = make_pipeline(RSSResampler(), LR)
    assert isinstance(pipeline, imblearn.pipeline.Pipeline)
    for same in (clone(pipeline), pickle.loads(pickle.dumps(pipeline)), pipeline[:]):
        assert type(same) is Pipeline
    theirs = imblearn.pipeline.make_pipeline(RSSResampler(), LR)
    assert pipeline.get_params().keys() == theirs.get_params().keys()


@pytest.mark.parametrize("how", ["uniform", "last", "random"])
def test_a_frame_sampler_before_the_onset_is_refused(season, how):
    pipeline = make_pipeline(FrameSampler(4, strategy=how), ONSET_AWARE, LR)
    match = "FrameSampler in step 'framesampler' .* 'rssresampler', .* onset=3 .* after the RSS"
    for estimator in (pipeline, EarlyDetector(pipeline)):
        with pytest.raises(ValueError, match=match):
            estimator.fit(*season)
    with pytest.raises(ValueError, match=match):
        cross_val_score(pipeline, *season, error_score="raise")


def test_a_frame_sampler_inside_another_step_is_refused(season):
    pipeline = make_pipeline(make_union(FrameSampler(4)), ONSET_AWARE, LR)
    with pytest.raises(ValueError, match="FrameSampler in step 'featureunion'"):
        pipeline.fit(*season)


def test_what_is_set_later_is_seen(season):
    pipeline = make_pipeline(FrameSampler(4), RSSResampler(30), LR).fit(*season)
    pipeline.set_params(rssresampler__onset=2)
    with pytest.raises(ValueError, match="onset=2 would count other frames"):
        pipeline.fit(*season)
    pipeline.set_params(framesampler="passthrough").fit(*season)


def test_the_first_frames_keep_their_count(season):
    pipeline = make_pipeline(FrameSampler(5, strategy="first"), ONSET_AWARE, LR).fit(*season)
    donors, y = pipeline[1].donors_, season[1]
    assert donors.shape[1] == 5
    assert (y[donors[:, 3:]] == y[donors[:, -1:]]).all()
    assert (y[donors[:, :3]] != y[donors[:, -1:]]).any()


@pytest.mark.parametrize("lazy", [False, True])
def test_a_frame_sampler_after_the_sampler(season, lazy):
    X, y = season
    sampler = clone(ONSET_AWARE)
    pipeline = make_pipeline(sampler, FrameSampler(4), LR)
    if lazy:
        pipeline = make_pipeline(sampler.set_params(lazy=True), FrameSampler(4), Flat())
    pipeline.fit(X, y)
    spliced, labels = clone(sampler).fit_resample(X, y)
    by_hand = clone(LR).fit(np.asarray(spliced)[:, [0, 2, 5, 7]], labels)
    assert np.array_equal(pipeline.predict_proba(X), by_hand.predict_proba(X[:, [0, 2, 5, 7]]))


class Flat(LogisticRegression):
    """Takes what is lazy."""

    def fit(self, X, y):
        assert isinstance(X, SplicedSequences)
        return super().fit(np.asarray(X), y)
