"""From a fitted estimator to JSON and arrays.

A JSON list is a list. A JSON dictionary is a node, whose first key says what it stands for. All
other JSON values are themselves.
"""

import math
import sys
from collections import OrderedDict

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import Bunch

from ..sequences._recipe import without_functions
from ._container import DTYPES
from ._types import name_of, network_name

# Parameters that act in fit alone, and may hold any object.
_FOR_FIT = {"augment", "callbacks", "cv", "net_params", "optimizer", "scoring"}
_NATIVE = {np.dtype(code) for code in DTYPES.values()}


def encode(estimator):
    """JSON of a fitted estimator, its arrays by their names, and the networks of the user."""
    encoder = _Encoder()
    return encoder.encode(estimator, "model"), encoder.arrays, encoder.networks


class _Encoder:
    def __init__(self):
        self.arrays, self.networks = {}, []
        self._plain = {
            list: lambda value, where: self._items(value, where),
            tuple: lambda value, where: {"tuple": self._items(value, where)},
            dict: lambda value, where: {"dict": self._pairs(value, where)},
            OrderedDict: lambda value, where: {"dict": self._pairs(value, where)},
            Bunch: lambda value, where: {"bunch": self._pairs(value, where)},
            slice: lambda value, where: {"slice": self._items(_ends(value), where)},
            np.ndarray: self._array,
            np.random.RandomState: self._random_state,
            float: lambda value, where: value if math.isfinite(value) else {"float": repr(value)},
        }

    def encode(self, value, where):
        """JSON of a value; `where` is its place, for errors and as the name of an array."""
        kind = type(value)
        if kind in (type(None), bool, int, str):
            return value
        if kind in self._plain:
            return self._plain[kind](value, where)
        if isinstance(value, np.generic):
            return self._scalar(value, where)
        if isinstance(value, np.dtype) and value in _NATIVE:
            return {"dtype": value.str}
        if isinstance(value, type) and _is_network(value):
            return self._network(value)
        if name_of(kind) is not None:
            return self._estimator(value, where)
        raise ValueError(_refusal(value, where))

    def _items(self, values, where):
        return [self.encode(value, f"{where}[{i}]") for i, value in enumerate(values)]

    def _pairs(self, values, where):
        return [
            [self.encode(key, f"a key of {where}"), self.encode(value, f"{where}[{key!r}]")]
            for key, value in values.items()
        ]

    def _array(self, value, where):
        if value.dtype.kind in "OU":
            if len(value.shape) != 1:
                raise ValueError(f"{where} is a table of {value.dtype}, not a list of it.")
            kind = "objects" if value.dtype.kind == "O" else "strings"
            return {kind: self._items(value.tolist(), where)}
        value = value.astype(value.dtype.newbyteorder("="), copy=False)
        if value.dtype not in _NATIVE:
            raise ValueError(f"{where} is an array of {value.dtype}, which a file cannot hold.")
        # The order is kept: BLAS sums in another order in the other one.
        turned = value.flags.f_contiguous and not value.flags.c_contiguous
        self.arrays[where] = np.copy(value.T if turned else value, order="C")
        node = {"array": where, "dtype": value.dtype.str, "shape": list(value.shape)}
        return node | {"turned": True} if turned else node

    def _scalar(self, value, where):
        if isinstance(value, np.str_):
            return {"scalar": "str", "value": str(value)}
        if value.dtype not in _NATIVE:
            raise ValueError(_refusal(value, where))
        return {"scalar": value.dtype.str, "value": self.encode(value.item(), where)}

    def _random_state(self, value, where):
        name, key, *rest = value.get_state(legacy=True)
        if name != "MT19937":
            raise ValueError(_refusal(value, where))
        return {"random_state": self._array(key, where), "rest": rest}

    def _estimator(self, value, where):
        params = value.get_params(deep=False) if isinstance(value, BaseEstimator) else {}
        if "memory" in params:
            params["memory"] = None  # a folder of this computer
        known = {*params, *vars(type(value)(**params) if params else object.__new__(type(value)))}
        state = {name: v for name, v in vars(value).items() if name not in known}
        if hasattr(value, "fit_resample") and not type(value).__module__.startswith("skwater."):
            state = {}  # they act in fit alone, and may keep training data
        node = {"estimator": name_of(type(value))}
        if "recipe_" in state:
            state["recipe_"] = without_functions(state["recipe_"])
        request, net = state.pop("_metadata_request", None), state.pop("net_", None)
        if request is not None:
            node["requests"] = _requests(request)
        if net is not None:
            node["net"] = self._net(net, f"{where}.net_")
        for kind, values in ("params", params), ("state", state):
            node[kind] = {n: self.encode(v, f"{where}.{n}") for n, v in values.items()}
        return node

    def _network(self, cls):
        node = network_name(cls)
        if "module" in node:
            self.networks.append(cls)
        return node

    def _net(self, net, where):
        from ..classifiers._saved_net import arguments_and_weights

        arguments, weights = arguments_and_weights(net)
        return {
            "class": self._network(net.module),
            "arguments": {n: self.encode(v, f"{where}.{n}") for n, v in arguments.items()},
            "weights": {n: self._array(w, f"{where}.{n}") for n, w in weights.items()},
        }


def _ends(value):
    return value.start, value.stop, value.step


def _is_network(cls):
    torch = sys.modules.get("torch")
    return torch is not None and issubclass(cls, torch.nn.Module)


def _requests(request):
    return {
        method: asked
        for method, simple in vars(request).items()
        if (asked := getattr(simple, "requests", None))
    }


def _refusal(value, where):
    """Text of an error: what cannot be saved, and what to do."""
    what = f"{where} is {value!r:.80}, of the type {type(value).__module__}.{type(value).__name__}"
    text = f"{what}, which a model file that is safe to share cannot hold."
    name = where.rpartition(".")[2].partition("[")[0]
    if hasattr(value, "best_estimator_"):
        return f"{text} Save its best_estimator_."
    if name in _FOR_FIT:
        return f"{text} It acts in fit alone: set {name} back to its default, then save."
    if hasattr(value, "get_params"):
        return (
            f"{text} The documentation lists the estimators that it can hold, such as "
            f"LogisticRegression. Trees, nearest neighbors and support vector machines are not "
            f"among them: their compiled code would follow wrong numbers of a file anywhere. Keep "
            f"such a model with joblib, for yourself."
        )
    return f"{text} Objects and functions of your own can be kept with joblib, for yourself."
