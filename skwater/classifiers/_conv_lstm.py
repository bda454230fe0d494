"""ConvLSTMClassifier: the published network as a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal, Self

from sklearn.utils._param_validation import Interval, StrOptions

from .._typing import Augment, RandomState
from ..nn import ConvLSTMNet
from ._sequence_classifier import SequenceClassifier
from ._shared_docs import with_shared_docs

if TYPE_CHECKING:
    import torch


@with_shared_docs
class ConvLSTMClassifier(SequenceClassifier):
    """Classify image sequences with a convolutional LSTM.

    The network carries an image as its state from frame to frame, so it sees which part of a
    plant changes. The architecture and the loss are the published ones [1]_, with 20,541
    parameters on 224 x 224 color images. It takes frames of any size, and on sequences of scalars
    or vectors it is an LSTM. The training is longer than the published one, which was Adam at a
    constant 0.001, batches of 1 and 5 epochs: ``lr=0.001, lr_schedule="constant", batch_size=1,
    max_epochs=5`` repeats that.

    With a few dozen plants a deep network may well do no better than logistic regression on the
    canopy cover: look at that first. Splice and scale inside the cross-validation folds, in a
    pipeline, or the score is worth nothing.

    Parameters
    ----------
    hidden_channels : int, tuple of int or "auto", default="auto"
        Channels of the recurrent state; a tuple stacks one layer for each. "auto" is the
        published 10 for images, and 32 for sequences of scalars or vectors.
    kernel_size : int, default=3
        Side of all convolution kernels, in pixels.
    head_channels : tuple of int, default=(20, 40)
        Output channels of the convolutions between the last state and the linear layer.
    pool_size : int, default=4
        Side of the max-pooling window after each convolution of the head, in pixels.
    low_memory : bool, default=False
        Train in about half of the memory, for large images or long sequences, by computing part of
        each step twice, which takes about a fifth more time. The results are the same.
    precision : {"float32", "bfloat16"}, default="float32"
        Precision of the convolutions of the recurrence in training. "bfloat16" is faster on
        hardware that multiplies it. It rounds images and hidden states to an 8-bit mantissa, so a
        fit is close to one in float32 but not equal. If it would be slow, the fit is in float32,
        with a warning. Weights, cell states and predictions are always float32, and on sequences
        of scalars or vectors it changes nothing.
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
    CNNLSTMClassifier : Encodes each frame before the recurrence.
    RSSResampler : Makes more sequences from few.
    skwater.nn.ConvLSTMNet : The network alone.
    skwater.nn.load_published_convlstm : The authors' trained weights.

    References
    ----------
    .. [1] "Spatio-Temporal Analysis", https://github.com/GVS-007/Spatio-Temporal-Analysis.

    Examples
    --------
    >>> from skwater import ConvLSTMClassifier, RSSResampler, make_pipeline
    >>> from skwater.datasets import make_water_stress
    >>> X, y = make_water_stress(12, 4, 8, random_state=0, return_X_y=True)
    >>> model = make_pipeline(
    ...     RSSResampler(random_state=0), ConvLSTMClassifier(max_epochs=2, random_state=0)
    ... )
    >>> model.fit(X, y).predict_proba(X).shape
    (12, 2)
    """

    _parameter_constraints: dict = {
        **SequenceClassifier._parameter_constraints,
        "hidden_channels": [
            Interval(Integral, 1, None, closed="left"),
            tuple,
            list,
            StrOptions({"auto"}),
        ],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "head_channels": [tuple, list],
        "pool_size": [Interval(Integral, 1, None, closed="left")],
        "low_memory": ["boolean"],
        "precision": [StrOptions({"float32", "bfloat16"})],
    }

    def __init__(
        self,
        *,
        hidden_channels: int | Sequence[int] | Literal["auto"] = "auto",
        kernel_size: int = 3,
        head_channels: Sequence[int] = (20, 40),
        pool_size: int = 4,
        low_memory: bool = False,
        precision: Literal["float32", "bfloat16"] = "float32",
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
            ConvLSTMNet,
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
        self.hidden_channels = hidden_channels
        self.kernel_size = kernel_size
        self.head_channels = head_channels
        self.pool_size = pool_size
        self.low_memory = low_memory
        self.precision = precision

    @classmethod
    def compact(cls, **params: Any) -> Self:
        """Classifier with fewer than 10,000 parameters, for down-sampled sequences.

        The published text names such a model and gives no code for it. This one has 8 hidden
        channels and 10 and 20 in its head: 5,931 parameters on color images of 64 x 64
        pixels, 9,131 at 224 x 224.

        Parameters
        ----------
        **params : dict
            Any other parameters of the class.

        Returns
        -------
        ConvLSTMClassifier
            Unfitted classifier.

        Examples
        --------
        >>> from skwater import ConvLSTMClassifier
        >>> ConvLSTMClassifier.compact(random_state=0)
        ConvLSTMClassifier(head_channels=(10, 20), hidden_channels=8, random_state=0)
        """
        return cls(**{"hidden_channels": 8, "head_channels": (10, 20), **params})

    def _network_arguments(self, frame_size):
        hidden_channels = self.hidden_channels
        if hidden_channels == "auto":
            hidden_channels = 32 if frame_size == (1, 1) else 10
        return {
            "hidden_channels": hidden_channels,
            "kernel_size": self.kernel_size,
            "head_channels": self.head_channels,
            "pool_size": self.pool_size,
            "low_memory": self.low_memory,
            "precision": self.precision,
        }
