"""CNNLSTMClassifier: a CNN on each frame, then an LSTM, as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.utils._param_validation import Interval, StrOptions

from .._typing import Augment, RandomState
from ..nn import CNNLSTMNet
from ..nn._given_encoder import GivenEncoder
from ..preprocessing import FrameEncoder
from ..preprocessing._frame_encoder import find_white
from ..sequences import channel_statistics, frame_shape
from ._sequence_classifier import SequenceClassifier
from ._shared_docs import with_shared_docs

if TYPE_CHECKING:
    import torch


@with_shared_docs
class CNNLSTMClassifier(SequenceClassifier):
    """Classify image sequences with a CNN on each frame and an LSTM over the frames.

    A small convolutional network encodes each frame before the recurrence. This makes it faster
    than :class:`ConvLSTMClassifier`, but it does not see which part of the image changes. It
    takes frames of any size; on sequences of scalars or vectors it is an LSTM on them, by default.

    With a few dozen plants a deep network may well do no better than logistic regression on the
    canopy cover: look at that first. Splice and scale inside the cross-validation folds, in a
    pipeline, or the score is worth nothing.

    Parameters
    ----------
    block_channels : tuple of int or "auto", default="auto"
        Output channels of the convolution blocks; each halves the image. "auto" is (8, 16, 32)
        for images, and no block for sequences of scalars or vectors. A block would be a dense
        layer on each frame there, and with few plants it costs accuracy.
    kernel_size : int, default=3
        Side of the convolution kernels, in pixels.
    lstm_size : int, default=32
        Number of units of the LSTM.
    dropout : float, default=0.0
        Probability to drop a unit of the LSTM's output in training.
    precision : {"float32", "bfloat16"}, default="float32"
        Precision of the encoder in training. "bfloat16" is faster on hardware that multiplies
        it. It rounds images and the output of each convolution to an 8-bit mantissa, so a fit is
        close to one in float32 but not equal. If it would be slow, the fit is in float32, with a
        warning. Weights, the LSTM and predictions are always float32, and on sequences of scalars
        or vectors it changes nothing.
    encoder : torch.nn.Module or class of one, default=None
        A network that was trained elsewhere, used in place of the blocks: it takes images
        (k, c, h, w) with values from 0 to 1 and returns codes (k, d). It is copied. X must be
        uint8 or uint16 images.
    freeze : bool, default=True
        Whether `encoder` stays as it is. Then the result is that of
        :class:`~skwater.preprocessing.FrameEncoder` and an LSTM, which encode each image once and
        not in each epoch: prefer these, unless images are augmented. Training it (False) needs
        hundreds of plants.
    encoder_lr : float, default=0.0001
        Learning rate of an `encoder` that is not frozen.
    {shared parameters}

    Attributes
    ----------
    {shared attributes}

    Warns
    -----
    LeakageWarning
        If `early_stopping` is on and plain arrays share frames, as splices and repeated plants
        do.
    ConvergenceWarning
        If the training has diverged.
    RuntimeWarning
        If `precision` is "bfloat16" and the device does not multiply it.

    See Also
    --------
    ConvLSTMClassifier : Keeps an image as its state.
    RSSResampler : Makes more sequences from few.
    skwater.nn.CNNLSTMNet : The network alone.
    skwater.preprocessing.FrameEncoder : Encodes images once, by a network trained elsewhere.

    Examples
    --------
    >>> from skwater import CNNLSTMClassifier
    >>> from skwater.datasets import make_water_stress
    >>> X, y = make_water_stress(12, 4, 8, random_state=0, return_X_y=True)
    >>> model = CNNLSTMClassifier(max_epochs=2, random_state=0).fit(X, y)
    >>> model.predict_proba(X[:, :3]).shape  # a prefix of the season
    (12, 2)
    """

    _parameter_constraints: dict = {
        **SequenceClassifier._parameter_constraints,
        "block_channels": [tuple, list, StrOptions({"auto"})],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "lstm_size": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "precision": [StrOptions({"float32", "bfloat16"})],
        "encoder": [callable, None],
        "freeze": ["boolean"],
        "encoder_lr": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        block_channels: Sequence[int] | Literal["auto"] = "auto",
        kernel_size: int = 3,
        lstm_size: int = 32,
        dropout: float = 0.0,
        precision: Literal["float32", "bfloat16"] = "float32",
        encoder: torch.nn.Module | type[torch.nn.Module] | None = None,
        freeze: bool = True,
        encoder_lr: float = 1e-4,
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
        super().__init__(
            CNNLSTMNet,
            lr=lr,
            lr_schedule=lr_schedule,
            max_epochs=max_epochs,
            batch_size=batch_size,
            optimizer=optimizer,
            class_weight=class_weight,
            augment=augment,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            patience=patience,
            callbacks=callbacks,
            device=device,
            net_params=net_params,
            verbose=verbose,
            random_state=random_state,
        )
        self.block_channels = block_channels
        self.kernel_size = kernel_size
        self.lstm_size = lstm_size
        self.dropout = dropout
        self.precision = precision
        self.encoder = encoder
        self.freeze = freeze
        self.encoder_lr = encoder_lr

    def _find_scale(self, X, rows):
        if self.encoder is None:
            return super()._find_scale(X, rows)
        # It takes values from 0 to 1. What the LSTM gets of it is standardized instead.
        white, n_channels = find_white(X), frame_shape(X)[2]
        options = {"channels": tuple(range(n_channels)), "white": white, "device": self.device}
        codes = FrameEncoder(self.encoder, verbose=0, **options).transform(X)
        self._given_encoder = GivenEncoder(
            self.encoder, *channel_statistics(codes, rows), self.freeze
        )
        return np.zeros(n_channels), np.full(n_channels, white)

    def _network_arguments(self, frame_size):
        block_channels = self.block_channels
        if block_channels == "auto":
            block_channels = () if frame_size == (1, 1) else (8, 16, 32)
        return {
            "block_channels": block_channels,
            "kernel_size": self.kernel_size,
            "lstm_size": self.lstm_size,
            "dropout": self.dropout,
            "precision": self.precision,
            "encoder": vars(self).pop("_given_encoder", None),
        }
