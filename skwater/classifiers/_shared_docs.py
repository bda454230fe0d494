"""The docstring of SequenceClassifier, from which its subclasses take what they share."""

import inspect

from ._sequence_classifier import SequenceClassifier


def with_shared_docs(cls):
    """Insert the shared parameters and attributes into the docstring of a class."""
    if cls.__doc__:  # python -OO has none
        shared = inspect.cleandoc(SequenceClassifier.__doc__)
        _, _, rest = shared.partition("\nlr : ")
        parameters, _, rest = rest.partition("\n\nAttributes\n----------\n")
        attributes, _, _ = rest.partition("\n\nWarns\n-----\n")
        doc = inspect.cleandoc(cls.__doc__)
        doc = doc.replace("{shared parameters}", f"lr : {parameters}")
        cls.__doc__ = doc.replace("{shared attributes}", attributes) + "\n"
    return cls
