"""Forged models, with checksums that are right: nothing is believed."""

import json
import tracemalloc

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import skwater
from skwater.exceptions import ModelFileError
from skwater.persistence._container import pack, unpack


@pytest.fixture
def forge(tmp_path, make_task):
    """Change the content and arrays of a file, and load it."""
    X, y = make_task()
    sampler = skwater.RSSResampler(20, random_state=np.random.RandomState(0))
    network = skwater.ConvLSTMClassifier(
        hidden_channels=2, head_channels=(2,), pool_size=2, max_epochs=1, random_state=0
    )
    path = tmp_path / "model.skwater"
    skwater.save(skwater.make_pipeline(sampler, network).fit(X, y), path)
    original = path.read_bytes()

    def load(change):
        content, arrays = unpack(original)
        steps = [item["tuple"][1] for item in content["model"]["params"]["steps"]]
        change(content["model"], *steps, arrays)
        path.write_bytes(pack({"card": content["card"], "model": content["model"]}, arrays))
        return skwater.load(path)

    return load


def change_class(name):
    return lambda pipeline, sampler, network, arrays: pipeline.update(estimator=name)


def change_state(**values):
    return lambda pipeline, sampler, network, arrays: network["state"].update(values)


def change_argument(**values):
    return lambda pipeline, sampler, network, arrays: network["net"]["arguments"].update(values)


def use_twice(pipeline, sampler, network, arrays):
    network["state"]["other"] = network["state"]["mean_"]


def leave_one_over(pipeline, sampler, network, arrays):
    arrays["other"] = np.zeros(3)


def other_position(pipeline, sampler, network, arrays):
    sampler["params"]["random_state"]["rest"][0] = -(10**8)


def other_shape(pipeline, sampler, network, arrays):
    network["state"]["mean_"]["shape"] = [2**40]


def other_weights(pipeline, sampler, network, arrays):
    weight = next(iter(network["net"]["weights"].values()))
    array = arrays[weight["array"]]
    arrays[weight["array"]] = np.zeros((1, *array.shape), array.dtype)
    weight["shape"] = [1, *array.shape]


def net_elsewhere(pipeline, sampler, network, arrays):
    pipeline["net"] = network.pop("net")


def nested(pipeline, sampler, network, arrays):
    network["state"]["other"] = json.loads("[" * 100 + "]" * 100)


CASES = [
    (change_class("os.system"), "model: the class 'os.system' may not be in a model file"),
    (change_class("sklearn.tree.DecisionTreeClassifier"), "may not be in a model file"),
    (change_class("skwater.persistence.load"), "may not be in a model file"),
    (change_class(["skwater.Pipeline"]), "may not be in a model file"),
    (change_class("sklearn.linear_model.LogisticRegression"), "unexpected keyword argument"),
    (change_state(predict=1), "cannot have an attribute 'predict'"),
    (change_state(__class__=1), "cannot have an attribute '__class__'"),
    (change_state(other={"unknown": 1}), r"model.steps\[1\]\[1\].other: it has unknown keys"),
    (change_state(other={}), "it has unknown keys"),
    (change_state(other={"float": "1e5"}), "it has no '1e5'"),
    (change_state(other={"dtype": "|O"}), "is no type of numbers"),
    (change_state(other={"scalar": "<i4", "value": 2**40}), "2|out of bounds"),
    (change_state(other={"scalar": "<i4", "value": 1.5}), "1.5 is no int32"),
    (change_state(other={"slice": [0, "a", 1]}), "not a slice of integers"),
    (change_state(other={"strings": [1]}), "not a list of text"),
    (change_state(other={"objects": [[1]]}), "not a list of text and numbers"),
    (change_state(other={"dict": [[[], 1]]}), "unhashable"),
    (change_state(other={"network": "skwater.nn.load_published_convlstm"}), "may not be in"),
    (change_state(other={"network": "LastFrame", "module": "nets"}), "If you trust that class"),
    (change_state(batch_size_=0), "batch_size_ is 0"),
    (change_state(batch_size_="auto"), "batch_size_ is 'auto'"),
    (change_state(sequence_shape_={"tuple": [5, 10**9, 10**9, 3]}), "net_: "),
    (change_state(sequence_shape_={"tuple": [5, -4, 4, 3]}), "sequence_shape_ is"),
    (change_state(classes_={"objects": ["a"]}), "classes_ is no array of two classes|of no use"),
    (change_argument(hidden_channels=10**9), "steps.*net_: "),
    (change_argument(hidden_channels={"tuple": [10**6] * 50}), "differ in the weights|net_: "),
    (change_argument(hidden_channels={"tuple": [1] * 5000}), "has 5000 layers, more than 100"),
    (change_argument(kernel_size=10**9), "net_: "),
    (change_argument(n_outputs=2), "the network is for .*, and the classifier for"),
    (change_argument(precision="float99"), "net_: "),
    (change_argument(device="cuda"), "net_: "),
    (use_twice, "the file has no array .*, or uses it twice"),
    (leave_one_over, "arrays: 'other' is of no use"),
    (other_position, "random_state: it is no state of MT19937"),
    (other_shape, r"mean_: the array has shape \(3,\) and type float64, and not the declared"),
    (other_weights, "has shape .* in the file, and .* in the network"),
    (net_elsewhere, "it is no network of a classifier"),
    (nested, "it is nested too deeply"),
]


@pytest.mark.parametrize(("change", "message"), CASES)
def test_forged(forge, change, message):
    tracemalloc.start()
    try:
        with pytest.raises(ModelFileError, match=message):
            forge(change)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_memory_of_another_computer(forge):
    def change(pipeline, sampler, network, arrays):
        pipeline["params"]["memory"] = "/cache"

    with pytest.raises(ModelFileError, match="a folder of another computer"):
        forge(change)


def test_text_that_would_be_padded(forge):
    """Arrays of text are as wide as their longest: a few short ones beside it take gigabytes."""
    with pytest.raises(ModelFileError, match="its text takes too much memory"):
        forge(change_state(other={"strings": ["a" * 400_000, *["b"] * 20_000]}))


def test_too_many_estimators(forge):
    one = {"estimator": "sklearn.preprocessing.Normalizer", "params": {}, "state": {}}
    with pytest.raises(ModelFileError, match="more than 2000 estimators"):
        forge(change_state(other=[one] * 3000))


def test_too_many_values(forge):
    with pytest.raises(ModelFileError, match="more than 50000 values besides arrays"):
        forge(change_state(other=[[]] * 60_000))


def test_name_that_could_control_a_terminal(forge):
    with pytest.raises(ModelFileError) as caught:
        forge(change_state(**{"a\x1b[2J": {}}))
    assert str(caught.value).isprintable()


def test_model_that_is_no_estimator(tmp_path):
    path = tmp_path / "model.skwater"
    for model in 1, [], None, {"tuple": []}:
        path.write_bytes(pack({"card": {}, "model": model}, {}))
        with pytest.raises(ModelFileError, match="model: it is no estimator"):
            skwater.load(path)
    path.write_bytes(pack({"card": [], "model": None}, {}))
    with pytest.raises(ModelFileError, match="card: it is no dictionary"):
        skwater.inspect(path)


def test_save_refuses_what_load_would(make_plants, tmp_path):
    X, y, *_ = make_plants()
    model = LogisticRegression().fit(X, y)
    model.other_ = []
    for _ in range(70):
        model.other_ = [model.other_]
    with pytest.raises(ValueError, match=r"not saved, since it could not be loaded: .*too deeply"):
        skwater.save(model, tmp_path / "model.skwater")
    model.other_ = DecisionTreeClassifier().fit(X, y).tree_
    with pytest.raises(
        ValueError, match=r"model.other_ is .*, of the type sklearn.tree._tree.Tree"
    ):
        skwater.save(model, tmp_path / "model.skwater")
    assert list(tmp_path.iterdir()) == []
