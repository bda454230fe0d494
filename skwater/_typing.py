"""Types of parameters that several parts of the public interface take."""

import os
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

StrPath: TypeAlias = str | os.PathLike[str]
RandomState: TypeAlias = int | np.random.RandomState
Day: TypeAlias = float | str | date | np.datetime64  # a datetime is a date
Augment: TypeAlias = Literal["default"] | Callable[..., Any]  # a transform of albumentations


class Estimator(Protocol):
    """What is fitted and predicts: a classifier, a pipeline, a search."""

    def fit(self, X: Any, y: Any, /) -> Any: ...

    def predict(self, X: Any, /) -> Any: ...


class Splits(Protocol):
    """A splitter of scikit-learn."""

    def split(self, X: Any, y: Any, groups: Any, /) -> Iterable[tuple[Any, Any]]: ...


Splitter: TypeAlias = int | Splits | Iterable[tuple[ArrayLike, ArrayLike]]
