"""SequenceClassifier: any torch network on sequences, as a scikit-learn classifier."""

import copy
from collections.abc import Mapping
from functools import partial
from numbers import Integral, Real
from typing import Any, Literal, Self

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from skorch.helper import predefined_split
from torch.utils.data import Subset

from .._typing import Augment, RandomState
from .._validation import _fit_context
from ..augmentation import Augmenter
from ..model_selection._validation_split import validation_split
from ..sequences import SequencesLike, channel_statistics, check_sequences, frame_shape
from ._batches import Batches
from ._length import choose_batch_size, choose_max_epochs
from ._prediction import predict_logits, to_probabilities
from ._reproducibility import isolated_fit
from ._training import OPTIMIZERS, make_net, takes_shared_frames, warn_if_diverged


class SequenceClassifier(ClassifierMixin, BaseEstimator):
    """Train any torch network on sequences, as a scikit-learn classifier.

    The network is a :class:`torch.nn.Module` class. It is built with ``n_channels``, ``n_outputs``
    and ``frame_size`` (height, width) as keyword arguments, and with `network_params`. It takes
    standardized sequences of shape (n, t, c, h, w), in which a missing frame is all-NaN (up to a
    date all can be), and returns logits of shape (n, n_outputs): one logit for two classes, or
    else one for each class. Frames of scalars and vectors are 1 x 1 pixels; they are trained on in
    float32 and predicted in float64, so a tensor that the network makes takes the input's dtype.

    Used if the network has them: a parameter ``precision``, see :class:`ConvLSTMClassifier`; a
    method ``step(frame, state)``, one frame at a time; and a method ``forward_over_time``, which
    returns the logits (n, t, n_outputs) after each frame.

    With a few dozen plants a deep network may well do no better than logistic regression on the
    canopy cover: look at that first. Splice and scale inside the cross-validation folds, in a
    pipeline, or the score is worth nothing.

    Parameters
    ----------
    network : type
        Class of the network, a subclass of :class:`torch.nn.Module`.
    network_params : dict or None, default=None
        Further keyword arguments for `network`.
    lr : float, default=0.003
        Learning rate; with `lr_schedule` "cosine" that of the first epoch.
    lr_schedule : {"cosine", "constant"}, default="cosine"
        How the learning rate changes from epoch to epoch. "cosine" lets it fall to 0 over
        `max_epochs`, along half a cosine wave.
    max_epochs : int or "auto", default="auto"
        Passes over the training sequences. "auto" trains sequences of scalars or vectors for at
        least 60 epochs and at least 1,000 optimizer steps, and images for at least 20 epochs and
        at least 200 steps; few sequences get more epochs, see ``max_epochs_``.
    batch_size : int or "auto", default="auto"
        Sequences in each step of the optimizer, and of images in each step of prediction. "auto"
        is one twentieth of the training sequences, from 8 to 64.
    optimizer : {"adam", "adamw", "sgd"} or torch.optim.Optimizer class, default="adam"
        What minimizes the loss: binary cross-entropy for two classes, cross-entropy for more.
    class_weight : "balanced", dict or None, default=None
        Weight of each class in the loss, as in scikit-learn; positive.
    augment : "default", albumentations transform, callable or None, default=None
        Random changes to the training images, drawn anew for each sequence in each epoch and the
        same for all of its frames. Images that validate or are predicted are not changed.
        "default" is :func:`augmentation.default_transform`. A callable takes one sequence of
        shape (n_frames, height, width, n_channels) in the dtype of `X`, missing frames NaN, and
        returns one of the same shape and unit. Copies are used.
    early_stopping : bool, default=False
        Set plants aside, stop if their loss no longer falls, and keep the best weights. Of
        :class:`SplicedSequences` only whole plants are set aside, and splices that hold a frame
        of theirs leave training. In other arrays splices cannot be told from plants, see Warns.
    validation_fraction : float, default=0.2
        Fraction of the plants of each class that is set aside.
    patience : int, default=5
        Epochs without a lower validation loss before training stops.
    callbacks : list of skorch.callbacks.Callback or None, default=None
        Further callbacks; copies of them are used.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" and so on; "auto" takes a CUDA device if there is one, but for
        sequences of vectors the processor, which is faster there.
    net_params : dict or None, default=None
        Arguments for :class:`skorch.NeuralNet` that override all others, for what has no
        parameter here, such as ``{"optimizer__weight_decay": 1e-4}``.
    verbose : {0, 1, 2}, default=0
        0 is silent, 1 shows a progress bar, 2 prints a line for each epoch.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of the batches, the validation split and the
        augmentation. With an int, two fits on one CPU are bit-equal. Global generators are not
        changed.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    net_ : skorch.NeuralNet
        The trained network, for prediction; ``net_.module_`` is the torch module. It has no
        optimizer any more.
    batch_size_ : int
        Sequences in each step.
    max_epochs_ : int
        Passes over the training sequences, unless they end earlier.
    history_ : list of dict
        Epoch, training loss and, with `early_stopping`, validation loss of each epoch.
    mean_ : ndarray of shape (n_channels,), dtype float64
        Mean of each channel over the training frames, by which inputs are standardized.
    std_ : ndarray of shape (n_channels,), dtype float64
        Standard deviation of each channel over the training frames; 1 if it is constant.
    interrupted_ : bool
        Whether Ctrl-C ended the training.
    n_parameters_ : int
        Number of weights of the network.
    sequence_shape_ : tuple of int
        Shape of one training sequence, (n_frames, ...).
    n_features_in_ : int
        Number of frames.
    feature_names_in_ : ndarray of shape (n_frames,), dtype object
        Names of the frames, if `X` was a data frame with string columns.

    Warns
    -----
    LeakageWarning
        If `early_stopping` is on and plain arrays share frames, as splices and repeated plants
        do.
    ConvergenceWarning
        If the training has diverged.

    See Also
    --------
    ConvLSTMClassifier : The same with the published network.
    CNNLSTMClassifier : The same with a CNN on each frame.

    Examples
    --------
    >>> from torch import nn
    >>> from skwater import SequenceClassifier
    >>> from skwater.datasets import make_water_stress
    >>> class LastFrame(nn.Module):
    ...     def __init__(self, n_channels, n_outputs, frame_size):
    ...         super().__init__()
    ...         self.head = nn.LazyLinear(n_outputs)
    ...
    ...     def forward(self, x):
    ...         return self.head(x[:, -1].flatten(1).nan_to_num(0))
    >>> X, y = make_water_stress(12, 4, 8, random_state=0, return_X_y=True)
    >>> model = SequenceClassifier(LastFrame, max_epochs=2, random_state=0).fit(X, y)
    >>> model.predict_proba(X).shape
    (12, 2)
    """

    _find_scale = staticmethod(channel_statistics)
    classes_: np.ndarray
    history_: list[dict[str, Any]]
    mean_: np.ndarray
    std_: np.ndarray

    _parameter_constraints: dict = {
        "network": [type],
        "network_params": [dict, None],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "lr_schedule": [StrOptions({"cosine", "constant"})],
        "max_epochs": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "batch_size": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "optimizer": [StrOptions(set(OPTIMIZERS)), callable],
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
        network: type[torch.nn.Module],
        *,
        network_params: dict[str, Any] | None = None,
        lr: float = 3e-3,
        lr_schedule: Literal["cosine", "constant"] = "cosine",
        max_epochs: int | Literal["auto"] = "auto",
        batch_size: int | Literal["auto"] = "auto",
        optimizer: Literal["adam", "adamw", "sgd"] | type[torch.optim.Optimizer] = "adam",
        class_weight: Literal["balanced"] | Mapping[Any, float] | None = None,
        augment: Augment | None = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.2,
        patience: int = 5,
        callbacks: list[Any] | None = None,
        device: str = "auto",
        net_params: dict[str, Any] | None = None,
        verbose: int = 0,
        random_state: RandomState | None = None,
    ) -> None:
        self.network = network
        self.network_params = network_params
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
    def fit(self, X: SequencesLike, y: ArrayLike) -> Self:
        """Train the network from scratch.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences of 2 to 5 dimensions: (n_samples, n_frames, height, width, n_channels), with
            trailing axes left out if a frame is a scalar, a vector or a gray image. Any real
            dtype. An all-NaN frame is missing.
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
            On Ctrl-C. What was learned until then is kept, and ``interrupted_`` is True.
        """
        X, y = check_sequences(self, X, y, reset=True)
        encoded = self._encode(y)
        rng = check_random_state(self.random_state)
        seed = rng.randint(np.iinfo(np.int32).max)
        train, valid = np.arange(len(X)), None
        if self.early_stopping:
            train, valid = validation_split(X, encoded, self.validation_fraction, rng)
        self.mean_, self.std_ = self._find_scale(X, train)
        h, w, _ = frame_shape(X)
        self.batch_size_ = choose_batch_size(self.batch_size, len(train))
        self.max_epochs_ = choose_max_epochs(self.max_epochs, len(train), self.batch_size_, (h, w))
        make_batches = partial(
            Batches, X, torch.from_numpy(encoded), self.mean_, self.std_, takes_shared_frames(self)
        )
        augmenter = None if self.augment is None else Augmenter(self.augment, X)
        net = make_net(self, frame_shape(X), encoded)
        if valid is not None:
            net.train_split = predefined_split(Subset(make_batches(), valid))
        with isolated_fit(seed, net.device, self.batch_size_ * h * w) as pressed:
            net.fit_isolated(Subset(make_batches(augmenter), train), pressed)
        self._keep(net)
        if self.interrupted_:  # a search around it stops too
            raise KeyboardInterrupt
        warn_if_diverged(self)
        return self

    def predict(self, X: SequencesLike) -> np.ndarray:
        """Most probable class of each sequence.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences with frames as in :meth:`fit`. From three dimensions on there may be fewer
            frames, a prefix of the season.

        Returns
        -------
        ndarray of shape (n_samples,)
            Classes, of the type seen in :meth:`fit`.
        """
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: SequencesLike) -> np.ndarray:
        """Probability of each class.

        A network that was trained on few plants is often overconfident;
        :class:`sklearn.calibration.CalibratedClassifierCV` helps if probabilities matter.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences, as in :meth:`predict`.

        Returns
        -------
        ndarray of shape (n_samples, n_classes), dtype float64
            Probabilities in the order of ``classes_``.
        """
        return to_probabilities(predict_logits(self, X))

    def predict_proba_over_time(self, X: SequencesLike) -> np.ndarray:
        """Probability of each class after each frame, as the season goes on.

        The probabilities after a frame do not depend on later frames. But the network was trained
        on whole seasons only. Early in the season it can be far off, unless
        :class:`~skwater.resampling.SeasonStarts` comes before it in the pipeline.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences, as in :meth:`predict`.

        Returns
        -------
        ndarray of shape (n_samples, n_frames, n_classes), dtype float64
            Probabilities after each frame; those after the last are :meth:`predict_proba`.
        """
        return to_probabilities(predict_logits(self, X, over_time=True))

    def decision_function(self, X: SequencesLike) -> np.ndarray:
        """Logits of the classes.

        Parameters
        ----------
        X : array-like or lazy sequences of shape (n_samples, n_frames, ...)
            Sequences, as in :meth:`predict`.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes), dtype float64
            For two classes, the log-odds of the second; otherwise a logit for each.
        """
        logits = predict_logits(self, X)
        return logits[:, 0] if logits.shape[1] == 1 else logits

    def _network_arguments(self, frame_size):
        return dict(self.network_params or {})

    def _encode(self, y):
        check_classification_targets(y)
        self.classes_, encoded = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"{type(self).__name__} needs samples of at least 2 classes in y, got 1 class: "
                f"{self.classes_[0]}."
            )
        return encoded

    def _keep(self, net):
        net.drop_what_training_needs()
        self.net_ = net
        self.interrupted_ = net.interrupted
        self.history_ = [
            {"epoch": row["epoch"]}
            | {name: float(row[name]) for name in ("train_loss", "valid_loss") if name in row}
            for row in net.history
        ]
        self.n_parameters_ = sum(p.numel() for p in net.module_.parameters())

    def get_params(self, deep: bool = True) -> dict[str, Any]:
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
        twin = super(SequenceClassifier, plain).__sklearn_clone__()
        return twin.set_params(augment=copy.deepcopy(self.augment))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags
