"""Files of fitted classifiers for other languages and small computers."""

from ._to_onnx import to_onnx

__all__ = ["to_onnx"]
