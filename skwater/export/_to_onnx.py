"""ONNX files of fitted classifiers, checked against onnxruntime before they are written."""

import copy
import json
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any, Literal

import torch
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import check_is_fitted

from .._atomic_write import write_atomically
from .._typing import StrPath
from .._validation import validate_params
from ..early_detection import EarlyDetector
from ..monitoring._step_model import split_steps
from ..preprocessing import FrameScaler
from ..sequences import frame_shape_of
from ._graph import OPSET, sequence_graph, step_graph
from ._modules import Preparation
from ._verify import verify

_LOWEST_TORCH = "2.10"  # older ones cannot export a network for any number of samples
_VERSIONS = ("skwater", "torch", "onnx", "onnxruntime")


@validate_params(
    {"kind": [StrOptions({"sequence", "step"})]},
    prefer_skip_nested_validation=True,
)
def to_onnx(
    estimator: Any, path: StrPath, *, kind: Literal["sequence", "step"] = "sequence"
) -> None:
    """Write a fitted classifier or pipeline to an ONNX file, for use without Python.

    The file goes from raw frames to probabilities: preprocessing, standardization and the network
    are in it. Before it is written, onnxruntime runs it on random frames, some of them missing,
    and its probabilities must equal those of the estimator to 1e-5.

    Frames have the shape that they have in `X`, with any number of samples. Images are
    ``float32`` in the unit of training, so 8-bit images are numbers from 0 to 255; numbers and
    vectors are ``float64``. An all-NaN frame is missing: that is why integers must be converted.
    A frame that is partly NaN or infinite, or is negative in front of a step that needs
    intensities, makes the probabilities of its plant NaN; so does, in a sequence, a plant without
    any frame.

    The images of training were cut and resized by their loader, which the file does not do: the
    metadata have the shape, and ``recipe_`` of the estimator says how.

    Parameters
    ----------
    estimator : object
        A fitted :class:`~skwater.ConvLSTMClassifier`, :class:`~skwater.CNNLSTMClassifier` or other
        :class:`~skwater.SequenceClassifier` whose network torch can trace; or a pipeline that ends
        in one, with :class:`~skwater.preprocessing.CenterCrop`,
        :class:`~skwater.preprocessing.VegetationMask`,
        :class:`~skwater.preprocessing.CanopyCover` and, for sequences,
        :class:`~skwater.preprocessing.FrameScaler` before it. Samplers are left out, as they are
        in ``predict``.
    path : str or path-like
        The file. An older one is replaced, after the check.
    kind : {"sequence", "step"}, default="sequence"
        "sequence" takes all frames of each plant: ``frames`` of shape (n_samples, n_frames, ...),
        with as many frames as in training; onnxruntime refuses another number. It returns
        ``probabilities`` of shape (n_samples, n_classes), dtype float32.
        "step" takes one more frame of each plant: ``frame`` of shape (n_samples, ...), and the
        state ``state_0``, ``state_1``, ... It returns ``probabilities`` after this frame, and
        ``new_state_0``, ``new_state_1``, ..., which the next step takes. The state before the
        first frame is zeros. A missing or illegal frame leaves the state as it was.

    Raises
    ------
    ValueError
        If a step or the network has no form in ONNX; it is named.
    RuntimeError
        If onnxruntime does not give the probabilities of the estimator. No file is written.
    ImportError
        If onnx, onnxruntime or onnxscript is not installed, or torch is older than 2.10.

    See Also
    --------
    skwater.monitoring.StressMonitor : One image at a time in Python.

    Notes
    -----
    The metadata of the file are JSON: ``classes`` in the order of the probabilities, ``kind``,
    ``estimator``, ``n_frames``, ``frame_shape``, ``days`` of the frames if the loader gave them,
    and ``versions``. The operations are those of opset 18. Networks of skwater are one ``Scan``
    over the frames, so the file does not grow with the season; the frames of another network are
    unrolled as its ``forward`` does.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from skwater import ConvLSTMClassifier
    >>> from skwater.datasets import make_water_stress
    >>> from skwater.export import to_onnx
    >>> X, y = make_water_stress(8, 3, 4, random_state=0, return_X_y=True)
    >>> model = ConvLSTMClassifier.compact(max_epochs=1, random_state=0).fit(X, y)
    >>> file = Path(tempfile.mkdtemp(), "model.onnx")
    >>> to_onnx(model, file)  # takes some seconds  # doctest: +SKIP
    """
    _check_installed()
    check_is_fitted(estimator)
    if isinstance(estimator, EarlyDetector):
        raise ValueError(
            "The rule of an EarlyDetector has no form in ONNX: export the classifier in it, "
            "estimators_[0], and apply the threshold to its probabilities."
        )
    steps, classifier = split_steps(estimator, "an ONNX file", needs_step=kind == "step")
    if kind == "step" and any(isinstance(step, FrameScaler) for step in steps):
        raise ValueError(
            "FrameScaler scales each date by itself, which a step cannot know: "
            'export kind="sequence", or scale each frame before the file gets it.'
        )
    classifier = _on_cpu(classifier)
    graph = _make_graph(steps, classifier, kind)
    data = _make_model(graph, steps, classifier, kind).SerializeToString()
    verify(data, steps, classifier, kind)
    write_atomically(path, data)


def _check_installed():
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401  torch exports by it
    except ImportError as error:
        raise ImportError(f'to_onnx needs {error.name}: pip install "skwater[onnx]"') from error
    if parse_version(torch.__version__) < parse_version(_LOWEST_TORCH):
        raise ImportError(
            f"to_onnx needs torch {_LOWEST_TORCH} or newer, and this is {torch.__version__}: "
            f'pip install --upgrade "skwater[onnx]"'
        )


def _on_cpu(classifier):
    """The classifier with its network as it predicts, in float32, wherever it was trained."""
    module = copy.deepcopy(classifier.net_.module_).cpu().float().eval()
    twin = copy.copy(classifier)
    twin.net_ = SimpleNamespace(module_=module, device="cpu")
    return twin


def _make_graph(steps, classifier, kind):
    shape = (*steps, classifier)[0].sequence_shape_
    dtype = _input_dtype(shape)
    if kind == "sequence":
        make, example = sequence_graph, torch.ones(2, *shape, dtype=dtype)
    else:
        make, example = step_graph, torch.ones(2, *shape[1:], dtype=dtype)
        shape = (1, *shape[1:])
    return make(Preparation(steps, classifier, shape), classifier.net_.module_, example)


def _input_dtype(shape):
    """Images are float32; vectors float64, as differences of large numbers need."""
    return torch.float32 if frame_shape_of(shape)[:2] != (1, 1) else torch.float64


def _make_model(graph, steps, classifier, kind):
    import onnx

    first = (*steps, classifier)[0]
    n_frames, *shape = first.sequence_shape_
    metadata = {
        "classes": classifier.classes_.tolist(),
        "kind": kind,
        "estimator": [type(step).__name__ for step in (*steps, classifier)],
        "n_frames": n_frames,
        "frame_shape": shape,
        "versions": {name: version(name) for name in _VERSIONS},
    }
    days = getattr(first, "recipe_", {}).get("days")
    if days is not None:
        metadata["days"] = [float(day) for day in days]
    opsets = [onnx.helper.make_opsetid("", OPSET)]
    model = onnx.helper.make_model(
        graph,
        opset_imports=opsets,
        ir_version=onnx.helper.find_min_ir_version_for(opsets),  # old runtimes refuse newer ones
        producer_name="skwater",
        producer_version=version("skwater"),
    )
    onnx.helper.set_model_props(
        model, {name: json.dumps(value) for name, value in metadata.items()}
    )
    onnx.checker.check_model(model, full_check=True)
    return model
