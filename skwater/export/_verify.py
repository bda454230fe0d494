"""Whether onnxruntime gives the probabilities of the estimator."""

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
    expected = to_probabilities(predict_logits(classifier, frames, over_time=kind == "step"))
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
    first = (*steps, classifier)[0]
    mean, scale = classifier.mean_, classifier.std_
    if isinstance(first, FrameScaler):
        mean, scale = np.nan_to_num(first.mean_), first.scale_
    elif any(isinstance(step, CanopyCover) for step in steps):
        mean, scale = 128, 64
    noise = np.random.RandomState(0).standard_normal((3, *first.sequence_shape_))
    X = mean + scale * noise
    if any(isinstance(step, CanopyCover | VegetationMask) for step in steps):
        X = np.abs(X)
    if X.shape[1] > 1:
        X[1, 0] = X[2, 1::2] = np.nan
    return X.astype(np.float32 if has_images(X) else np.float64)
