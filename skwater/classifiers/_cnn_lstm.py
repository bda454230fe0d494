"""CNNLSTMClassifier: frames summed up one by one, then an LSTM, as a scikit-learn estimator."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval

from ..nn import CNNLSTMNet
from ._sequence_classifier import _SequenceClassifier


class CNNLSTMClassifier(_SequenceClassifier):
    """Classify image sequences with a CNN on each frame and an LSTM over the frames.

    Each frame is summed up by a small convolutional network before the recurrence, which makes
    it faster than :class:`ConvLSTMClassifier` and blind to where in the picture things change.
    It takes frames of any size; on series of numbers or vectors it becomes an LSTM on them.

    With a few dozen plants a deep network may well do no better than logistic regression on the
    canopy cover: look at that first. Splice and scale inside the cross-validation folds, in a
    pipeline, or the score is worth nothing.

    Parameters
    ----------
    block_channels : tuple of int, default=(8, 16, 32)
        Output channels of the convolution blocks; each halves the picture.
    kernel_size : int, default=3
        Side of the convolution kernels, in pixels.
    lstm_size : int, default=32
        Number of units of the LSTM.
    dropout : float, default=0.0
        Probability to drop a unit of the LSTM's output in training.
    precision : {"float32", "bfloat16"}, default="float32"
        What the encoder is trained in. "bfloat16" is faster on hardware that multiplies it, and
        rounds pictures and what the convolutions make of them to 8 binary digits: a fit is near
        one in float32 and not the same. Where it would be slow a warning says that the fit is in
        float32.
        Weights, the LSTM and predictions are float32 in any case, and on series of numbers or
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
    ConvLSTMClassifier : Keeps the picture in its state.
    RSSResampler : Makes more sequences of the few that there are.
    skwater.nn.CNNLSTMNet : The network alone.

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
        **_SequenceClassifier._parameter_constraints,
        "block_channels": [tuple, list],
        "kernel_size": [Interval(Integral, 1, None, closed="left")],
        "lstm_size": [Interval(Integral, 1, None, closed="left")],
        "dropout": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        *,
        block_channels=(8, 16, 32),
        kernel_size=3,
        lstm_size=32,
        dropout=0.0,
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
        self.block_channels = block_channels
        self.kernel_size = kernel_size
        self.lstm_size = lstm_size
        self.dropout = dropout

    _network = CNNLSTMNet
    _shares_frames = True
    _network_params = ("block_channels", "kernel_size", "lstm_size", "dropout")
