"""The networks as plain torch modules: frames in, logits out."""

from ._cnn_lstm import CNNLSTMNet
from ._conv_lstm import ConvLSTMNet
from ._published import load_published_convlstm

__all__ = ["CNNLSTMNet", "ConvLSTMNet", "load_published_convlstm"]
