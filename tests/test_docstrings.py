"""Every public object has a full numpydoc docstring, types and a place in the API reference."""

import inspect
import re
from operator import attrgetter
from pathlib import Path

import pytest
from numpydoc.validate import validate

import skwater

UNCHECKED = {
    "ES01",  # one line can say it all
    "RT02",  # a returned value may have a name, as in scikit-learn
    "SA01",  # not everything has kin
    "SS05",  # takes any first word in -s for a verb: "Logits after the last frame."
}
UNCHECKED_IN_METHODS = {"EX01"}  # the example is at the class

MODULES = [skwater, *filter(inspect.ismodule, (getattr(skwater, n) for n in skwater.__all__))]


def is_ours(obj):
    return obj.__module__.startswith("skwater")


def public_methods(cls):
    """Methods of a class that we wrote ourselves, those of our private bases included."""
    for base in filter(is_ours, cls.__mro__):
        for name, member in vars(base).items():
            ours = inspect.isfunction(member) or isinstance(member, classmethod | staticmethod)
            if ours and not name.startswith("_"):
                yield getattr(base, name)


def public_objects():
    objects = [getattr(module, name) for module in MODULES for name in module.__all__]
    objects = [obj for obj in objects if not inspect.ismodule(obj) and is_ours(obj)]
    methods = [method for cls in filter(inspect.isclass, objects) for method in public_methods(cls)]
    return {f"{obj.__module__}.{obj.__qualname__}": obj for obj in objects + methods}


OBJECTS = public_objects()


def test_the_objects_were_found():
    assert len(OBJECTS) >= 25
    assert "skwater.resampling._rss_resampler.RSSResampler.fit_resample" in OBJECTS


@pytest.mark.parametrize("name", OBJECTS)
def test_docstring(name):
    is_method = "." in OBJECTS[name].__qualname__
    unchecked = UNCHECKED | UNCHECKED_IN_METHODS if is_method else UNCHECKED
    errors = validate(name)["errors"]
    assert [error for error in errors if error[0] not in unchecked] == []


@pytest.mark.parametrize("name", [name for name, obj in OBJECTS.items() if callable(obj)])
def test_signature_has_types(name):
    function = OBJECTS[name]
    if inspect.isclass(function):
        function = function.__init__
        if not inspect.isfunction(function) or not is_ours(function):
            return  # inherited: from an exception, a dict or scikit-learn
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.name not in ("self", "cls")]
    assert [p.name for p in parameters if p.annotation is p.empty] == []
    assert signature.return_annotation is not signature.empty


API = Path(__file__).parents[1].joinpath("docs", "api.rst").read_text(encoding="utf-8")


def api_entries():
    """Names below skwater of the objects that the API reference documents."""
    in_table = re.findall(r"^   ([\w.]+)$", API, flags=re.MULTILINE)
    return [*in_table, *re.findall(r"^\.\. auto(?:class|function):: ([\w.]+)$", API, flags=re.M)]


def test_api_reference_lists_every_public_object():
    listed = [attrgetter(name)(skwater) for name in api_entries()]  # each entry exists
    missing = [
        f"{module.__name__}.{name}"
        for module in MODULES
        for name in module.__all__
        if not inspect.ismodule(obj := getattr(module, name)) and obj not in listed
    ]
    assert missing == []


def test_api_reference_names_every_public_module():
    named = {name.rpartition(".")[0] for name in api_entries()}
    named |= set(re.findall(r"``skwater\.([\w.]+)``", API))
    assert {module.__name__.removeprefix("skwater.") for module in MODULES[1:]} - named == set()
