"""What all sequence classifiers share: validate, encode, seed, standardise, train, predict."""

import copy
import os
import warnings
from contextlib import contextmanager
from numbers import Integral, Real
from threading import RLock

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted
from skorch.callbacks import EarlyStopping, LRScheduler
from skorch.helper import predefined_split
from torch.utils.data import Subset

from ..augmentation import Augmenter
from ..model_selection._validation_split import validation_split
from ..nn._precision import has_bfloat16
from ..nn._workspace import give_freed_memory_back
from ..sequences import channel_statistics, check_sequences, frame_shape
from ._batches import Batches, identity_collate, to_batch
from ._callbacks import ProgressBar, StopOnNaN
from ._length import choose_batch_size, choose_max_epochs
from ._losses import BinaryLoss, CrossEntropyLoss
from ._net import _SkorchNet, to_probabilities

# Below as many pixels in a batch a second thread makes a step slower: up to ten times for numbers.
_PIXELS_FOR_THREADS = 8 * 64 * 64
# So many are predicted at once: more would wait for memory, fewer for Python.
_NUMBERS_AT_ONCE = 2**18
_OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
# Torch draws from generators of the process: of two fits in threads each would take draws of the
# other, and none could be repeated.
_one_fit_at_a_time = RLock()


def _renew_lock():
    # A process that is forked during a fit would wait for a thread that it does not have.
    global _one_fit_at_a_time
    _one_fit_at_a_time = RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class _SequenceClassifier(ClassifierMixin, BaseEstimator):
    """A torch network as a scikit-learn classifier.

    Subclasses say which: `_network` is its class and `_network_params` are the names of the
    parameters that it shares with the classifier. `_shares_frames` tells whether the network
    takes batches of `SharedFrames`.
    """

    _shares_frames = False

    _parameter_constraints: dict = {
        "precision": [StrOptions({"float32", "bfloat16"})],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions({"cosine", "constant"})],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "optimizer": [StrOptions(set(_OPTIMIZERS)), callable],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "augment": [StrOptions({"default"}), callable, None],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "patience": [Interval(Integral, 1, None, closed="left")],
        "callbacks": [list, None],
        "device": [str],
        "net_params": [dict, None],
        "verbose": [Interval(Integral, 0, 2, closed="both")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        precision,
        lr,
        lr_schedule,
        max_epochs,
        batch_size,
        optimizer,
        class_weight,
        augment,
        early_stopping,
        validation_fraction,
        patience,
        callbacks,
        device,
        net_params,
        verbose,
        random_state,
    ):
        self.precision = precision
        self.lr = lr
        self.lr_schedule = lr_schedule
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.class_weight = class_weight
        self.augment = augment
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.patience = patience
        self.callbacks = callbacks
        self.device = device
        self.net_params = net_params
        self.verbose = verbose
        self.random_state = random_state

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the network from scratch.

        Parameters
        ----------
        X : array-like or SplicedSequences of shape (n_samples, n_frames, ...)
            Sequences of 2 to 5 dimensions, (n_samples, n_frames, height, width, n_channels) with
            trailing axes left out where there is one number, vector or gray picture a frame. Any
            real dtype. A frame that is NaN throughout is missing.
        y : array-like of shape (n_samples,)
            Class of each sequence, of any label type.

        Returns
        -------
        object
            The fitted classifier itself.

        Raises
        ------
        ValueError
            If X breaks the contract, y has one class, the loss becomes NaN, or `augment` does not
            return sequences like those that it is given.
        KeyboardInterrupt
            On Ctrl-C. What was learnt until then is kept, and ``interrupted_`` is True.
        """
        X, y = check_sequences(self, X, y, reset=True)
        check_classification_targets(y)
        self.classes_, encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes in y, got 1 class: "
                f"{self.classes_[0]}."
            )
        rng = check_random_state(self.random_state)
        seed = rng.randint(np.iinfo(np.int32).max)
        train, valid = np.arange(len(X)), None
        if self.early_stopping:
            train, valid = validation_split(X, encoded, self.validation_fraction, rng)
        self.mean_, self.std_ = channel_statistics(X, train)
        classes = torch.from_numpy(encoded)
        augmenter = None if self.augment is None else Augmenter(self.augment, X)
        batches = Batches(X, classes, self.mean_, self.std_, self._shares(), augmenter)
        self.batch_size_ = choose_batch_size(self.batch_size, len(train))
        self.max_epochs_ = choose_max_epochs(
            self.max_epochs, len(train), self.batch_size_, frame_shape(X)[:2]
        )
        params = self._build_net_params(X, encoded)
        if valid is not None:
            as_they_are = Batches(X, classes, self.mean_, self.std_, self._shares())
            params["train_split"] = predefined_split(Subset(as_they_are, valid))
        net = _SkorchNet(**params)
        try:
            with isolated_rng(seed, params["device"]), self._single_threaded_if_small():
                net.fit(Subset(batches, train))
        finally:  # also where the loss is NaN
            give_freed_memory_back()
        net.module_.eval()
        net.train_split = None  # it holds the validation plants, which are not to be pickled
        self.net_ = net
        self.interrupted_ = net.interrupted
        self.history_ = [
            {"epoch": row["epoch"]}
            | {name: float(row[name]) for name in ("train_loss", "valid_loss") if name in row}
            for row in net.history
        ]
        self.n_parameters_ = sum(p.numel() for p in net.module_.parameters())
        if self.interrupted_:  # what was learnt is kept, and a surrounding search stops too
            raise KeyboardInterrupt
        return self

    def predict(self, X):
        """Most probable class of each sequence.

        Parameters
        ----------
        X : array-like or SplicedSequences of shape (n_samples, n_frames, ...)
            Sequences with frames as in :meth:`fit`. From three dimensions on there may be fewer
            frames, a prefix of the season.

        Returns
        -------
        ndarray of shape (n_samples,)
            Classes, of the type seen in :meth:`fit`.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X):
        """Probability of each class.

        Trained on few plants, the network is often surer than it is right;
        :class:`sklearn.calibration.CalibratedClassifierCV` helps where probabilities matter.

        Parameters
        ----------
        X : array-like or SplicedSequences of shape (n_samples, n_frames, ...)
            Sequences, as in :meth:`predict`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype float64
            Probabilities in the order of ``classes_``.
        """
        return to_probabilities(self._logits(X))

    def decision_function(self, X):
        """Logits of the classes.

        Parameters
        ----------
        X : array-like or SplicedSequences of shape (n_samples, n_frames, ...)
            Sequences, as in :meth:`predict`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes), dtype float64
            For two classes, the log-odds of the second; otherwise a logit for each.
        """
        logits = self._logits(X)
        return logits[:, 0] if logits.shape[1] == 1 else logits

    def staged_predict_proba(self, X):
        """Probability of each class after each frame, as the season goes on.

        What it says after frame t does not change when later frames do. But the network has been
        trained on whole seasons only: early on it answers a question that it was not taught, and
        a network that is fitted on the prefix may know better.

        Parameters
        ----------
        X : array-like or SplicedSequences of shape (n_samples, n_frames, ...)
            Sequences, as in :meth:`predict`.

        Yields
        ------
        ndarray of shape (n_samples, n_classes), dtype float64
            Probabilities after one frame more; the last equal :meth:`predict_proba`.
        """
        with self._single_threaded_if_small():
            batches = [list(stages) for stages in self._run(X, staged=True)]
        for stage in zip(*batches, strict=True):
            yield to_probabilities(np.concatenate(stage))

    def _network_arguments(self, frame_size):
        return {name: getattr(self, name) for name in self._network_params}

    def _shares(self):
        """Whether batches hold a frame once; a module of the user's own knows tensors only."""
        return self._shares_frames and "module" not in (self.net_params or {})

    def _device(self):
        if self.device == "auto":
            return "cuda" if torch.cuda.is_available() else "cpu"
        return self.device

    def _precision(self, frame_size):
        """Return the precision that the device has; numbers are trained in float32 anyway."""
        device = (self.net_params or {}).get("device", self._device())
        if self.precision == "float32" or frame_size == (1, 1) or has_bfloat16(device):
            return self.precision
        warnings.warn(
            f"precision={self.precision!r}: the device {device!r} is not known to multiply "
            f"bfloat16, and in software it is slow. {type(self).__name__} is trained in float32.",
            RuntimeWarning,
            stacklevel=5,  # where fit was called
        )
        return "float32"

    def _build_net_params(self, X, encoded):
        h, w, c = frame_shape(X)
        n_classes = len(self.classes_)
        callbacks = [StopOnNaN(), *copy.deepcopy(self.callbacks or [])]
        if self.verbose == 1:
            callbacks.append(ProgressBar())
        if self.early_stopping:
            callbacks.append(EarlyStopping(patience=self.patience, load_best=True))
        if self.lr_schedule == "cosine":
            callbacks.append(LRScheduler("CosineAnnealingLR", T_max=self.max_epochs_))
        params = {
            "module": self._network,
            "module__n_channels": c,
            "module__n_outputs": 1 if n_classes == 2 else n_classes,
            "module__frame_size": (h, w),
            **{f"module__{name}": value for name, value in self._network_arguments((h, w)).items()},
            "module__precision": self._precision((h, w)),
            **self._loss(encoded),
            "optimizer": _OPTIMIZERS.get(self.optimizer, self.optimizer),
            "lr": self.lr,
            "max_epochs": self.max_epochs_,
            "batch_size": self.batch_size_,
            "iterator_train__shuffle": True,
            "iterator_train__collate_fn": identity_collate,
            "iterator_valid__collate_fn": identity_collate,
            "train_split": None,
            "callbacks": callbacks,
            "device": self._device(),
            "verbose": int(self.verbose == 2),
        }
        given = self.net_params or {}
        taken = {"callbacks", "train_split"} & set(given)
        if taken:
            raise ValueError(
                f"net_params must not hold {sorted(taken)}: the parameters callbacks and "
                f"early_stopping of {type(self).__name__} are for that."
            )
        params |= given
        if not (
            params["verbose"] or any(name.startswith("callbacks__print_log") for name in given)
        ):
            # It would hold the print of this process, which ray replaces by one of its own: what
            # is silent would print then, and could not be pickled.
            params["callbacks__print_log"] = None
        return params

    def _loss(self, encoded):
        """Binary cross-entropy on one logit, or cross-entropy on one for each class."""
        weight = None
        if self.class_weight is not None:
            weight = compute_class_weight(
                self.class_weight, classes=self.classes_, y=self.classes_[encoded]
            )
            if (weight <= 0).any():
                raise ValueError(f"class_weight must be positive, got {self.class_weight!r}.")
            weight = torch.as_tensor(weight, dtype=torch.float32)
        if len(self.classes_) > 2:
            return {"criterion": CrossEntropyLoss, "criterion__weight": weight}
        ratio = None if weight is None else weight[1:] / weight[:1]
        return {"criterion": BinaryLoss, "criterion__pos_weight": ratio}

    def _logits(self, X):
        with self._single_threaded_if_small():
            return np.concatenate([next(stages) for stages in self._run(X)])

    @contextmanager
    def _single_threaded_if_small(self):
        """Use one thread where a step is so small that threads would only wait for each other."""
        shape = getattr(self, "sequence_shape_", ())  # not there before fit; _run says so
        frame = shape[1:3] if len(shape) > 2 else ()  # (n_frames, n_channels) has no pixels
        if getattr(self, "batch_size_", 1) * np.prod(frame) >= _PIXELS_FOR_THREADS:
            yield
            return
        before = torch.get_num_threads()  # for the thread that asks
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    def _run(self, X, *, staged=False):
        """Yield for each batch an iterator over its logits: once, or after each frame."""
        check_is_fitted(self)
        X, _ = check_sequences(self, X, reset=False)
        module, dtype = self.net_.module_.eval(), np.float32
        n_at_once = self.batch_size_
        if frame_shape(X)[:2] == (1, 1):
            n_at_once = max(1, _NUMBERS_AT_ONCE // int(np.prod(X.shape[1:])))
            # Numbers are run in double precision, which costs nothing there: a plant's probability
            # must not depend on who is predicted beside it, not even in the last bit of a float32.
            module, dtype = copy.deepcopy(module).double(), np.float64
        for start in range(0, len(X), n_at_once):
            rows = X[start : start + n_at_once]
            x = to_batch(rows, self.mean_, self.std_, self._shares(), dtype)
            x = x.to(self.net_.device)
            yield _logits_of(module, x, staged)

    def get_params(self, deep=True):
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Ignored: no parameter has parameters of its own.

        Returns
        -------
        dict
            Names of the parameters and their values.
        """
        # A transform of albumentations has a get_params too, which makes a random draw.
        return super().get_params(deep=False)

    def __sklearn_clone__(self):
        # For the same reason clone would take such a transform for an estimator.
        plain = copy.copy(self).set_params(augment=None)
        twin = super(_SequenceClassifier, plain).__sklearn_clone__()
        return twin.set_params(augment=copy.deepcopy(self.augment))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags


@torch.inference_mode()  # around each step: a block around yield may be left late, by any thread
def _logits_of(module, x, staged):
    for logits in module.staged(x) if staged else [module(x)]:
        yield logits.cpu().numpy().astype(np.float64)


@contextmanager
def isolated_rng(seed, device):
    """Seed torch for one fit, and give the caller's generators back as they were."""
    devices = [torch.device(device)] if device.startswith("cuda") else []
    with _one_fit_at_a_time, torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)
        for cuda in devices:
            with torch.cuda.device(cuda):
                torch.cuda.manual_seed(seed)
        yield
