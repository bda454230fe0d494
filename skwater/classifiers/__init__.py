"""Classifiers of sequences, as scikit-learn estimators."""

from ._cnn_lstm import CNNLSTMClassifier
from ._conv_lstm import ConvLSTMClassifier
from ._sequence_classifier import SequenceClassifier

__all__ = ["CNNLSTMClassifier", "ConvLSTMClassifier", "SequenceClassifier"]
