"""Whether onnxruntime gives the probabilities of the estimator."""

import warnings

import numpy as np

from ..classifiers._prediction import predict_logits, to_probabilities
from ..preprocessing import CanopyCover, FrameScaler, VegetationMask
from ..sequences import has_images

_TOLERANCE = 1e-5


def verify(data, steps, classifier, kind):
    """Compare on random frames, some of them missing; RuntimeError if the results differ."""
    X = _random_sequences(steps, classifier)
    frames = X
    for step in steps:
        frames = step.transform(frames)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that the frames are unusual
        logits = predict_logits(classifier, frames, over_time=kind == "step")
    expected = to_probabilities(logits)
    for rows in (slice(None), slice(1)):  # two numbers of samples
        found = run(data, X[rows], kind)
        difference = np.abs(found - expected[rows]).max()
        if not difference <= _TOLERANCE:
            raise RuntimeError(
                f"onnxruntime gives probabilities that differ by up to {difference:.2g} from those "
                f"of {type(classifier).__name__}, more than {_TOLERANCE:g}: no file was written."
            )


def run(data, X, kind):
    """Probabilities by onnxruntime: (n, n_classes), or (n, t, n_classes) step by step."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    if kind == "sequence":
        return session.run(None, {"frames": X})[0]
    inputs = session.get_inputs()[1:]
    state = [np.zeros((len(X), *part.shape[1:]), np.float32) for part in inputs]
    probabilities = []
    for t in range(X.shape[1]):
        feed = {part.name: value for part, value in zip(inputs, state, strict=True)}
        after, *state = session.run(None, {"frame": X[:, t], **feed})
        probabilities.append(after)
    return np.stack(probabilities, axis=1)


def _random_sequences(steps, classifier):
    """Three sequences in about the unit of training, two of them with missing frames."""
    parts = (*steps, classifier)
    rng, shape = np.random.RandomState(0), (3, *parts[0].sequence_shape_)
    covers = [k for k, step in enumerate(steps) if isinstance(step, CanopyCover)]
    if covers:
        X = _random_plants(rng, shape, np.nan_to_num(parts[covers[0] + 1].mean_))
    else:
        mean, scale = classifier.mean_, classifier.std_
        if isinstance(parts[0], FrameScaler):
            mean, scale = np.nan_to_num(parts[0].mean_), parts[0].scale_
        X = mean + scale * rng.standard_normal(shape)
    if any(isinstance(step, VegetationMask) for step in steps):
        X = np.abs(X)
    if X.shape[1] > 1:
        X[1, 0] = X[2, 1::2] = np.nan
    return X.astype(np.float32 if has_images(X) else np.float64)


def _random_plants(rng, shape, cover):
    """Images of which about a fraction, for all frames or for each, is green."""
    is_leaf = rng.random_sample((*shape[2:4], *shape[:2])) < cover
    colors = np.where(np.moveaxis(is_leaf, (0, 1), (2, 3))[..., None], (60, 120, 40), (90, 70, 50))
    return colors * rng.uniform(0.7, 1.3, shape)
