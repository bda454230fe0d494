"""The skorch net inside the classifiers."""

import numpy as np
from scipy.special import expit, softmax
from skorch import NeuralNet

from ..nn._shared_frames import SharedFrames
from ._callbacks import StopOnNaN
from ._vector_epoch import train_compiled
from ._vector_support import runs_compiled


class _SkorchNet(NeuralNet):
    """A skorch net that scores like a classifier and tells Ctrl-C from a callback that stops.

    Skorch takes a KeyboardInterrupt, whoever raises it, for the end of training.
    """

    _estimator_type = "classifier"
    interrupted = False
    _stopped = False

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

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run an epoch; training on sequences of vectors is one call of machine code."""
        if fit_params or not (training and runs_compiled(self, iterator)):
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        losses, sizes = train_compiled(self, iterator)
        for loss, size in zip(losses, sizes, strict=True):
            self.history.new_batch()
            self.history.record_batch(f"{prefix}_loss", loss)
            self.history.record_batch(f"{prefix}_batch_size", size)
        for _, callback in self.callbacks_:
            if isinstance(callback, StopOnNaN):
                callback.on_batch_end(self)
        self.history.record(f"{prefix}_batch_count", len(losses))

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


def to_probabilities(logits):
    """One logit of the second of two classes, or one for each class, as probabilities."""
    if logits.shape[1] > 1:
        return softmax(logits, axis=1)
    return np.hstack([expit(-logits), expit(logits)])
