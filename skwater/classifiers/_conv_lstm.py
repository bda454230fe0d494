"""ConvLSTMClassifier: the published network as a scikit-learn estimator."""

from numbers import Integral

from sklearn.utils._param_validation import Interval, StrOptions

from ..nn import ConvLSTMNet
from ._sequence_classifier import _SequenceClassifier


class ConvLSTMClassifier(_SequenceClassifier):
    """Classify image sequences with a convolutional LSTM.

    The network carries an image as its state from frame to frame, so it sees *where* a plant
    changes. The architecture and the loss are the published ones [1]_, with 20,541 parameters on
    224 x 224 color images. It takes frames of any size, and on series of numbers or vectors it
    becomes an LSTM. The training is longer than the published one, which was Adam at a constant
    0.001, batches of 1 and 5 epochs: ``lr=0.001, lr_schedule="constant", batch_size=1,
    max_epochs=5`` repeats that.

    With a few dozen plants a deep network may well do no better than logistic regression on the
    canopy cover: look at that first. Splice and scale inside the cross-validation folds, in a
    pipeline, or the score is worth nothing.

    Parameters
    ----------
    hidden_channels : int, tuple of int or "auto", default="auto"
        Channels of the recurrent state; a tuple stacks one layer for each. "auto" is the
        published 10 for images, and 32 for series of numbers or vectors.
    kernel_size : int, default=3
        Side of all convolution kernels, in pixels.
    head_channels : tuple of int, default=(20, 40)
        Output channels of the convolutions between the last state and the linear layer.
    pool_size : int, default=4
        Side of the max-pooling window after each convolution of the head, in pixels.
    low_memory : bool, default=False
        Train in about half of the memory, for large pictures or long series, by computing part of
        each step twice, which takes about a fifth more time. The results are the same.
    precision : {"float32", "bfloat16"}, default="float32"
        What the convolutions over the states are trained in. "bfloat16" is faster on hardware that
        multiplies it, and rounds pictures and hidden states to 8 binary digits: a fit is near one
        in float32 and not the same. Where it would be slow a warning says that the fit is in
        float32.
        Weights, cell states and predictions are float32 in any case, and on series of numbers or
        vectors it changes nothing.
    lr : float, default=0.003
        Learning rate; with `lr_schedule` "cosine" that of the first epoch.
    lr_schedule : {"cosine", "constant"}, default="cosine"
        How the learning rate changes from epoch to epoch. "cosine" lets it fall to 0 over
        `max_epochs`, along half a cosine wave.
    max_epochs : int or "auto", default="auto"
        Passes over the training sequences. "auto" trains series of numbers or vectors for at
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
        Random changes to the pictures that are trained on, drawn anew for each sequence in each
        epoch and the same for all of its frames. Pictures that validate or are predicted stay as
        they are. "default" is :func:`augmentation.default_transform`. A callable takes one
        sequence of shape (n_frames, height, width, n_channels) in the dtype of `X`, missing
        frames NaN, and returns one of the same shape and unit. Copies are used.
    early_stopping : bool, default=False
        Set plants aside, stop when their loss no longer falls, and keep the best weights. Of
        :class:`SplicedSequences` only whole plants are set aside, and splices that hold a frame
        of theirs leave training. Of other arrays nobody can tell splices from plants, see
        Warns.
    validation_fraction : float, default=0.2
        Fraction of the plants of each class that is set aside.
    patience : int, default=5
        Epochs without a lower validation loss before training stops.
    callbacks : list of skorch.callbacks.Callback or None, default=None
        Further callbacks; copies of them are used.
    device : str, default="auto"
        "cpu", "cuda", "cuda:1" and so on; "auto" takes a CUDA device where there is one.
    net_params : dict or None, default=None
        Arguments for :class:`skorch.NeuralNet` that override all others, for what has no
        parameter here, such as ``{"optimizer__weight_decay": 1e-4}``.
    verbose : {0, 1, 2}, default=0
        0 is silent, 1 shows a progress bar, 2 prints a line for each epoch.
    random_state : int, RandomState instance or None, default=None
        Seed of the first weights, the order of the batches, the validation split and the
        augmentation. With an int, two fits on one CPU are equal to the bit. Global generators
        stay as they were.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels.
    net_ : skorch.NeuralNet
        The trained network; ``net_.module_`` is the torch module.
    batch_size_ : int
        Sequences in each step.
    max_epochs_ : int
        Passes over the training sequences, unless they end earlier.
    history_ : list of dict
        Epoch, training loss and, with `early_stopping`, validation loss of each epoch.
    mean_ : ndarray of shape (n_channels,), dtype float64
        Mean of each channel over the training frames, which inputs are standardised with.
    std_ : ndarray of shape (n_channels,), dtype float64
        Standard deviation of each channel over the training frames; 1 where it is constant.
    interrupted_ : bool
        Whether Ctrl-C ended the training.
    n_parameters_ : int
        Number of weights of the network.
    sequence_shape_ : tuple of int
        Shape of one training sequence, (n_frames, ...).
    n_features_in_ : int
        Number of frames.
    feature_names_in_ : ndarray of shape (n_frames,), dtype object
        Names of the frames, where `X` was a data frame with string columns.

    Warns
    -----
    LeakageWarning
        If `early_stopping` is on and plain arrays share frames, as splices and repeated plants
        do.
    RuntimeWarning
        If `precision` is "bfloat16" and the device does not multiply it.

    See Also
    --------
    CNNLSTMClassifier : Sums up each frame before the recurrence.
    RSSResampler : Makes more sequences of the few that there are.
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
        **_SequenceClassifier._parameter_constraints,
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
    }

    def __init__(
        self,
        *,
        hidden_channels="auto",
        kernel_size=3,
        head_channels=(20, 40),
        pool_size=4,
        low_memory=False,
        precision="float32",
        lr=3e-3,
        lr_schedule="cosine",
        max_epochs="auto",
        batch_size="auto",
        optimizer="adam",
        class_weight=None,
        augment=None,
        early_stopping=False,
        validation_fraction=0.2,
        patience=5,
        callbacks=None,
        device="auto",
        net_params=None,
        verbose=0,
        random_state=None,
    ):
        super().__init__(
            precision=precision,
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

    @classmethod
    def compact(cls, **params):
        """Classifier with fewer than 10,000 parameters, for down-sampled sequences.

        The published text names such a model and gives no code for it. This one has 8 hidden
        channels and 10 and 20 in its head: 5,931 parameters on color pictures of 64 x 64
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

    _network = ConvLSTMNet
    _network_params = (
        "hidden_channels",
        "kernel_size",
        "head_channels",
        "pool_size",
        "low_memory",
    )

    def _network_arguments(self, frame_size):
        arguments = super()._network_arguments(frame_size)
        if self.hidden_channels == "auto":
            arguments["hidden_channels"] = 32 if frame_size == (1, 1) else 10
        return arguments
