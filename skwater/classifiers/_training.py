"""The skorch net inside the classifiers."""

import copy
import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import compute_class_weight
from skorch import NeuralNet
from skorch.callbacks import EarlyStopping, LRScheduler

from ..nn._precision import has_bfloat16
from ..nn._process import check_fork, choose_device
from ..nn._shared_frames import SharedFrames
from ._batches import identity_collate
from ._callbacks import ProgressBar, StopOnNaN
from ._losses import BinaryLoss, CrossEntropyLoss
from ._prediction import to_probabilities
from ._vector_epoch import train_compiled
from ._vector_support import runs_compiled

_DIVERGED = 1000  # A guess has the loss log(n_classes), a network that is surely wrong some 10.
OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}


class _SkorchNet(NeuralNet):
    """A skorch net that scores like a classifier and tells Ctrl-C from a callback that stops."""

    _estimator_type = "classifier"
    _stopped = False
    interrupted = False

    def predict_proba(self, X):
        """Return probabilities of the encoded classes."""
        return to_probabilities(super().predict_proba(X).astype(np.float64))

    def predict(self, X):
        """Return encoded classes."""
        return self.predict_proba(X).argmax(axis=1)

    def infer(self, x, **fit_params):
        """Run the network on a batch, also on one of a kind that skorch does not know."""
        if isinstance(x, SharedFrames):
            return self.module_(x.to(self.device), **fit_params)
        return super().infer(x, **fit_params)

    def run_single_epoch(self, iterator, training, prefix, step_fn, **fit_params):
        """Run an epoch; training on sequences of vectors is one call of machine code."""
        if fit_params or not (training and runs_compiled(self, iterator)):
            if training:
                check_fork()
            super().run_single_epoch(iterator, training, prefix, step_fn, **fit_params)
            return
        losses, sizes = train_compiled(self, iterator)
        names = f"{prefix}_loss", f"{prefix}_batch_size"
        # All at once: to record each by itself takes a tenth of the epoch.
        self.history[-1]["batches"].extend(
            dict(zip(names, values, strict=True)) for values in zip(losses, sizes, strict=True)
        )
        for _, callback in self.callbacks_:
            if isinstance(callback, StopOnNaN):
                callback.on_batch_end(self)
        self.history.record(f"{prefix}_batch_count", len(losses))

    def notify(self, method_name, **cb_kwargs):
        """Call the callbacks; early stopping raises its KeyboardInterrupt there."""
        try:
            super().notify(method_name, **cb_kwargs)
        except KeyboardInterrupt:
            self._stopped = True
            raise

    def fit_loop(self, *args, **kwargs):
        """Train; a KeyboardInterrupt that no callback raised is an interruption."""
        try:
            return super().fit_loop(*args, **kwargs)
        except KeyboardInterrupt:
            self.interrupted = not self._stopped
            raise

    def fit_isolated(self, dataset, pressed):
        """Train; after Ctrl-C, in a callback too, keep what was learned and be `interrupted`.

        Skorch takes each KeyboardInterrupt for the end of training. The list `pressed` tells which
        of them are Ctrl-C.
        """
        try:
            self.fit(dataset)
        except KeyboardInterrupt:
            if not (self.initialized_ and self.history):  # nothing was learned
                raise
            self.interrupted = True
        self.interrupted = self.interrupted or bool(pressed)

    def drop_what_training_needs(self):
        """Keep what predicts, and the history of the epochs, so that a pickle is small."""
        self.module_.eval()
        self.train_split = None  # it holds the validation plants
        del self.optimizer_
        for row in self.history:
            row.pop("batches", None)
        for _, callback in self.callbacks_:
            vars(callback).pop("lr_scheduler_", None)  # it holds the optimizer
            vars(callback).pop("best_model_weights_", None)


def make_net(classifier, frame_shape, encoded):
    """Make the untrained skorch net of a classifier.

    Parameters
    ----------
    classifier : SequenceClassifier
        Its parameters, and the fitted ``classes_``, ``batch_size_`` and ``max_epochs_``.
    frame_shape : tuple of int (height, width, n_channels)
        Shape of a frame.
    encoded : ndarray of shape (n_samples,), dtype int64
        Encoded classes.

    Returns
    -------
    _SkorchNet
        The net.
    """
    frame_size, n_channels = frame_shape[:2], frame_shape[2]
    n_classes, network = len(classifier.classes_), classifier.network
    if not (isinstance(network, type) and issubclass(network, torch.nn.Module)):
        raise ValueError(f"network must be a subclass of torch.nn.Module, got {network!r}.")
    given = classifier.net_params or {}
    if taken := {"callbacks", "train_split"} & set(given):
        raise ValueError(
            f"net_params must not hold {sorted(taken)}: the parameters callbacks and "
            f"early_stopping of {type(classifier).__name__} are for that."
        )
    params = {
        "module": network,
        "module__n_channels": n_channels,
        "module__n_outputs": 1 if n_classes == 2 else n_classes,
        "module__frame_size": frame_size,
        **_loss(classifier, encoded),
        "optimizer": OPTIMIZERS.get(classifier.optimizer, classifier.optimizer),
        "lr": classifier.lr,
        **_encoder_lr(classifier),
        "max_epochs": classifier.max_epochs_,
        "batch_size": classifier.batch_size_,
        "iterator_train__shuffle": True,
        "iterator_train__collate_fn": identity_collate,
        "iterator_valid__collate_fn": identity_collate,
        "predict_nonlinearity": None,  # predict_proba has its own
        "train_split": None,
        "callbacks": _callbacks(classifier),
        "device": choose_device(classifier.device, frame_size),
        "verbose": int(classifier.verbose == 2),
        **given,
    }
    arguments = classifier._network_arguments(frame_size)
    if taken := {"n_channels", "n_outputs", "frame_size"} & set(arguments):
        raise ValueError(f"network_params must not hold {sorted(taken)}: they follow from X and y.")
    if "precision" in arguments:
        arguments["precision"] = _precision(arguments["precision"], params["device"], frame_size)
    params = {f"module__{name}": value for name, value in arguments.items()} | params
    if not (params["verbose"] or any(name.startswith("callbacks__print_log") for name in given)):
        # It would hold the print of this process, which ray replaces by one of its own: what
        # is silent would print then, and could not be pickled.
        params["callbacks__print_log"] = None
    return _SkorchNet(**params)


def _encoder_lr(classifier):
    """Learning rate of a given encoder that is trained, if there is one."""
    if getattr(classifier, "encoder", None) is None or classifier.freeze:
        return {}
    return {"optimizer__param_groups": [("encoder.*", {"lr": classifier.encoder_lr})]}


def takes_shared_frames(classifier):
    """Whether the network takes batches of lazy sequences that hold each frame once."""
    network = (classifier.net_params or {}).get("module", classifier.network)
    return getattr(network, "takes_shared_frames", False)


def _callbacks(classifier):
    callbacks = [StopOnNaN(), *copy.deepcopy(classifier.callbacks or [])]
    if classifier.verbose == 1:
        callbacks.append(ProgressBar())
    if classifier.early_stopping:
        callbacks.append(EarlyStopping(patience=classifier.patience, load_best=True))
    if classifier.lr_schedule == "cosine":
        callbacks.append(LRScheduler("CosineAnnealingLR", T_max=classifier.max_epochs_))
    return callbacks


def _precision(precision, device, frame_size):
    """Return the precision that the device has; vectors are trained in float32 anyway."""
    if precision != "bfloat16" or frame_size == (1, 1) or has_bfloat16(device):
        return precision
    warnings.warn(
        f"precision={precision!r}: the device {device!r} is not known to multiply bfloat16, which "
        f"is slow in software. The network is trained in float32.",
        RuntimeWarning,
        stacklevel=5,  # where fit was called
    )
    return "float32"


def _loss(classifier, encoded):
    """Binary cross-entropy on one logit, or cross-entropy on one for each class."""
    classes, weight = classifier.classes_, None
    if classifier.class_weight is not None:
        weight = compute_class_weight(classifier.class_weight, classes=classes, y=classes[encoded])
        if (weight <= 0).any():
            raise ValueError(f"class_weight must be positive, got {classifier.class_weight!r}.")
        weight = torch.as_tensor(weight, dtype=torch.float32)
    if len(classes) > 2:
        return {"criterion": CrossEntropyLoss, "criterion__weight": weight}
    ratio = None if weight is None else weight[1:] / weight[:1]
    return {"criterion": BinaryLoss, "criterion__pos_weight": ratio}


def warn_if_diverged(classifier):
    """Warn if the last loss of a fitted classifier is that of a diverged training."""
    losses = [row.get("valid_loss", row.get("train_loss", 0)) for row in classifier.history_]
    loss = min(losses, default=0) if classifier.early_stopping else sum(losses[-1:])
    if loss > _DIVERGED:
        warnings.warn(
            f"The loss is {loss:.3g}: the training has diverged with lr={classifier.net_.lr}, and "
            f"the predictions are of no use. Try a smaller lr.",
            ConvergenceWarning,
            stacklevel=4,  # where fit was called
        )
