"""From JSON and arrays to a fitted estimator. Nothing of the file is believed or executed."""

import math
import re
import warnings

import numpy as np
import sklearn
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils import Bunch

from ..sequences._recipe import check_plain_recipe
from ._container import DTYPES
from ._types import class_of, network_of

_MAX_DEPTH = 60
_MAX_NODES = 50_000
_MAX_ESTIMATORS = 2000
_NET_COUNTS_AS = 10  # estimators, by the time that it takes to build
_MAX_TEXT = 2**24  # characters in arrays of text, each padded to the longest of its array
_CODES = set(DTYPES.values())
_FLOATS = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_SCALARS = {"b": bool, "i": int, "u": int, "f": float}


class InvalidPartError(ValueError):
    """A part of a model that cannot be what it claims to be."""

    def __init__(self, part, reason):
        super().__init__(part, reason)
        self.part, self.reason = part, reason


def decode(node, arrays, networks, version):
    """Fitted estimator of its JSON and its arrays.

    Parameters
    ----------
    node : object
        JSON of the estimator.
    arrays : dict of str to ndarray
        Arrays, each of which must be used once.
    networks : sequence of type
        Networks of the user.
    version : str
        Version of scikit-learn that the file was saved with.

    Returns
    -------
    estimator
        The estimator.

    Raises
    ------
    InvalidPartError
        If anything is not as the encoder writes it.
    """
    decoder = _Decoder(arrays, networks, version)
    model = decoder.decode(node, "model")
    if not isinstance(model, BaseEstimator):
        raise InvalidPartError("model", "it is no estimator")
    if decoder.arrays:
        raise InvalidPartError("arrays", f"{next(iter(decoder.arrays))!r:.80} is of no use")
    return model


class _Decoder:
    def __init__(self, arrays, networks, version):
        self.arrays, self.networks, self.version = dict(arrays), networks, version
        self.n_nodes, self.n_estimators = _MAX_NODES, _MAX_ESTIMATORS  # how many are left
        self.n_characters, self.depth = _MAX_TEXT, 0
        # For each kind of node: what makes its value, and the keys that may follow the first one.
        self._kinds = {
            "tuple": (lambda node, where: tuple(self._items(node["tuple"], where)),),
            "dict": (lambda node, where: dict(self._pairs(node["dict"], where)),),
            "bunch": (lambda node, where: Bunch(**dict(self._pairs(node["bunch"], where))),),
            "slice": (self._slice,),
            "float": (lambda node, where: _FLOATS[node["float"]],),
            "dtype": (lambda node, where: _dtype(node["dtype"]),),
            "array": (self._array, "dtype", "shape", "turned"),
            "strings": (self._strings,),
            "objects": (self._objects,),
            "scalar": (self._scalar, "value"),
            "random_state": (self._random_state, "rest"),
            "network": (lambda node, where: network_of(node, self.networks), "module"),
            "estimator": (self._estimator, "requests", "net", "params", "state"),
        }

    def decode(self, node, where):
        """Value of a JSON node; `where` is its place, for errors."""
        self.depth += 1
        self.n_nodes -= 1
        try:
            if self.depth > _MAX_DEPTH:
                raise ValueError("it is nested too deeply")
            if self.n_nodes < 0:
                raise ValueError(f"the file has more than {_MAX_NODES} values besides arrays")
            if isinstance(node, list):
                return self._items(node, where)
            if not isinstance(node, dict):
                return node
            kind = next(iter(node), None)
            make, *others = self._kinds.get(kind, (None,))
            if make is None or not set(node) <= {kind, *others}:
                raise ValueError(f"it has unknown keys, {list(node)!r:.80}")
            return make(node, where)
        except InvalidPartError:
            raise
        except KeyError as error:
            raise InvalidPartError(where, f"it has no {error}") from error
        except Exception as error:  # libraries raise a kind of their own for each way to be wrong
            raise InvalidPartError(where, f"{error}" or type(error).__name__) from error
        finally:
            self.depth -= 1

    def _items(self, nodes, where):
        if not isinstance(nodes, list):
            raise ValueError("it is not a list")
        return [self.decode(node, f"{where}[{i}]") for i, node in enumerate(nodes)]

    def _pairs(self, pairs, where):
        for key, value in pairs:
            key = self.decode(key, f"a key of {where}")
            yield key, self.decode(value, f"{where}[{key!r:.80}]")

    def _fields(self, nodes, where):
        """Values of a JSON dictionary of names."""
        if not isinstance(nodes, dict):
            raise ValueError("it is not a dictionary")
        if odd := [name for name in nodes if not name.isprintable()]:
            raise ValueError(f"it has the name {odd[0]!r:.80}")
        return {name: self.decode(node, f"{where}.{name:.80}") for name, node in nodes.items()}

    def _slice(self, node, where):
        ends = self._items(node["slice"], where)
        if not all(end is None or type(end) is int for end in ends):
            raise ValueError("it is not a slice of integers")
        return slice(*ends)

    def _array(self, node, where):
        dtype, shape, turned = _dtype(node["dtype"]), node["shape"], node.get("turned", False)
        if node["array"] not in self.arrays:
            raise ValueError(f"the file has no array {node['array']!r:.80}, or uses it twice")
        array = self.arrays.pop(node["array"])
        array = array.T if turned is True else array
        if (array.dtype, list(array.shape)) != (dtype, shape):
            raise ValueError(
                f"the array has shape {array.shape} and type {array.dtype}, and not the declared "
                f"{shape!r:.80} and {dtype}"
            )
        return array.copy(order="K")

    def _strings(self, node, where):
        values = self._items(node["strings"], where)
        if not all(type(value) is str for value in values):
            raise ValueError("it is not a list of text")
        self.n_characters -= len(values) * max(map(len, values), default=0)
        if self.n_characters < 0:
            raise ValueError("its text takes too much memory")
        return np.array(values, dtype=str)

    def _objects(self, node, where):
        values = self._items(node["objects"], where)
        if not all(type(value) in (str, int, float, bool, type(None)) for value in values):
            raise ValueError("it is not a list of text and numbers")
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array

    def _scalar(self, node, where):
        value = self.decode(node["value"], where)
        if node["scalar"] == "str" and type(value) is str:
            return np.str_(value)
        dtype = _dtype(node["scalar"])
        if type(value) is not _SCALARS[dtype.kind]:
            raise ValueError(f"{value!r:.80} is no {dtype}")
        return dtype.type(value)

    def _random_state(self, node, where):
        key = self.decode(node["random_state"], where)
        position, has_gauss, gauss = node["rest"]
        if not (
            isinstance(key, np.ndarray)
            and (key.dtype, key.shape) == (np.uint32, (624,))
            # Numpy does not check it, and reads behind its array.
            and (type(position) is int and 0 <= position <= 624)
            and (type(has_gauss) is int and has_gauss in (0, 1))
            and (type(gauss) is float and math.isfinite(gauss))
        ):
            raise ValueError("it is no state of MT19937")
        state = np.random.RandomState(0)
        state.set_state(("MT19937", key, position, has_gauss, gauss))
        return state

    def _estimator(self, node, where):
        self._count(1)
        cls = class_of(node["estimator"])
        params = self._fields(node["params"], where)
        made = cls(**params) if issubclass(cls, BaseEstimator) else object.__new__(cls)
        if not issubclass(cls, BaseEstimator) and params:
            raise ValueError(f"{cls.__name__} has no parameters")
        if params.get("memory") is not None:
            raise ValueError("it has a folder of another computer")
        state = self._fields(node["state"], where)
        if "recipe_" in state:
            check_plain_recipe(state["recipe_"])
        vars(made).update(_check_names(state, cls))
        self._check_version(cls, state)
        if "requests" in node:
            made._metadata_request = _request(made, node["requests"])
        if "net" in node:
            self._add_net(made, node["net"], f"{where}.net_")
        return made

    def _count(self, n):
        self.n_estimators -= n
        if self.n_estimators < 0:
            raise ValueError(f"the file has more than {_MAX_ESTIMATORS} estimators")

    def _check_version(self, cls, state):
        if state and cls.__module__.startswith("sklearn.") and self.version != sklearn.__version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=cls.__name__,
                    current_sklearn_version=sklearn.__version__,
                    original_sklearn_version=self.version,
                ),
                stacklevel=2,
            )

    def _add_net(self, made, node, where):
        from ..classifiers import SequenceClassifier
        from ..classifiers._saved_net import restore_net

        if not isinstance(made, SequenceClassifier) or set(node) != {
            "class",
            "arguments",
            "weights",
        }:
            raise InvalidPartError(where, "it is no network of a classifier")
        network = self.decode(node["class"], where)
        arguments = self._fields(node["arguments"], where)
        weights = self._fields(node["weights"], where)
        try:
            self._count(_NET_COUNTS_AS)
            made.net_ = restore_net(made, network, arguments, weights)
        except Exception as error:  # also from a network of the user
            raise InvalidPartError(where, f"{error}" or type(error).__name__) from error


def _dtype(code):
    if code not in _CODES:
        raise ValueError(f"{code!r:.80} is no type of numbers")
    return np.dtype(code)


def _check_names(values, cls):
    """Refuse names that would hide methods of a class."""
    for name in values:
        if not re.fullmatch(r"_?[a-zA-Z]\w{0,99}", name) or hasattr(cls, name):
            raise ValueError(f"{cls.__name__} cannot have an attribute {name!r:.80}")
    return values


def _request(made, methods):
    """Metadata request of an estimator, as its set_..._request methods make it."""
    request = made._get_metadata_request()
    for method, asked in methods.items():
        for name, alias in asked.items():
            if not (alias is None or type(alias) in (bool, str)):
                raise ValueError(f"the request {name!r:.80} is {alias!r:.80}")
            getattr(request, method).add_request(param=name, alias=alias)
    return request
