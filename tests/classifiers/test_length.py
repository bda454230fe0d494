"""How long the networks are trained if nothing is said, and how the learning rate falls."""

import numpy as np
import pytest
from skorch.callbacks import Callback


class StopAtOnce(Callback):
    """End the training before its first epoch."""

    def on_epoch_begin(self, net, **kwargs):
        raise KeyboardInterrupt


class NoteRates(Callback):
    """Keep the learning rate of each epoch."""

    def initialize(self):
        self.rates = []

    def on_epoch_begin(self, net, **kwargs):
        self.rates.append(net.optimizer_.param_groups[0]["lr"])


@pytest.mark.parametrize(
    ("ndim", "n_samples", "batch_size", "max_epochs"),
    [
        (2, 10, 8, 500),
        (2, 60, 8, 125),
        (2, 400, 20, 60),
        (2, 1600, 64, 60),
        (4, 10, 8, 100),
        (4, 400, 20, 20),
    ],
)
def test_few_sequences_need_more_epochs(
    make_classifier, make_sequences, ndim, n_samples, batch_size, max_epochs
):
    X, y = make_sequences(n_samples, 2, ndim=ndim), np.arange(n_samples) % 2
    params = {"max_epochs": "auto", "batch_size": "auto", "callbacks": [StopAtOnce()]}
    model = make_classifier(**params).fit(X, y)
    assert (model.batch_size_, model.max_epochs_) == (batch_size, max_epochs)


def test_given_length_is_kept(make_classifier, make_task):
    model = make_classifier(max_epochs=3, batch_size=5).fit(*make_task(ndim=2))
    assert (model.batch_size_, model.max_epochs_) == (5, 3)
    assert len(model.history_) == 3


@pytest.mark.parametrize(
    ("schedule", "shares"), [("constant", [1, 1, 1, 1]), ("cosine", [1, 0.853553, 0.5, 0.146447])]
)
def test_learning_rate_by_epoch(make_classifier, make_task, schedule, shares):
    params = {"lr": 0.01, "lr_schedule": schedule, "max_epochs": 4, "callbacks": [NoteRates()]}
    model = make_classifier(**params).fit(*make_task(ndim=2))
    (note,) = (c for _, c in model.net_.callbacks_ if isinstance(c, NoteRates))
    assert note.rates == pytest.approx(0.01 * np.array(shares), rel=1e-5)
