"""The skorch net inside the classifiers."""

import numpy as np
import torch
from scipy.special import expit, softmax
from skorch import NeuralNet

from ..nn._shared_frames import SharedFrames
from ._vector_epoch import VectorEpochs, can_compile


class SequenceNet(NeuralNet):
    """A skorch net that scores like a classifier and tells Ctrl-C from a callback that stops.

    Skorch takes a KeyboardInterrupt, whoever raises it, for the end of training.
    """

    _estimator_type = "classifier"
    interrupted = False
    _stopped = False
    _vector_epochs = None

    def predict_proba(self, X):
        """Return probabilities of the encoded classes."""
        return to_probabilities(super().predict_proba(X).astype(np.float64))

    def predict(self, X):
        """Return encoded classes."""
        return self.predict_proba(X).argmax(axis=1)

    def infer(self, x, **fit_params):
        """Run the network on a batch, of a kind that skorch need not know."""
        if isinstance(x, SharedFrames):
            return self.module_(x.to(self.device), **fit_params)
        return super().infer(x, **fit_params)

    def notify(self, method_name, **cb_kwargs):
        """Call the callbacks; that is where early stopping raises its KeyboardInterrupt."""
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt:
            self._stopped = True
            raise

    def fit_loop(self, *args, **kwargs):
        """Train, and note whether somebody pressed Ctrl-C."""
        try:
            return super().fit_loop(*args, **kwargs)
        except KeyboardInterrupt:
            self.interrupted = not self._stopped
            raise
        finally:
            self._vector_epochs = None  # it holds the training data

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run all batches: in one compiled call if the settings allow that, or one by one."""
        if not training or not can_compile(self, iterator):
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        if self._vector_epochs is None:
            self._vector_epochs = VectorEpochs(self, iterator.dataset)
        torch.empty((), dtype=torch.int64).random_()  # the seed that a loader draws for workers
        order, size = list(iterator.sampler), iterator.batch_size
        losses = self._vector_epochs.run(order, size)
        for i, loss in enumerate(losses.tolist()):
            self.history.new_batch()
            self.history.record_batch(prefix + "_loss", loss)
            self.history.record_batch(prefix + "_batch_size", len(order[i * size : (i + 1) * size]))
        self.history.record(prefix + "_batch_count", len(losses))


def to_probabilities(logits):
    """One logit of the second of two classes, or one for each class, as probabilities."""
    if logits.shape[1] > 1:
        return softmax(logits, axis=1)
    return np.hstack([expit(-logits), expit(logits)])
