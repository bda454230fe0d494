"""Saved models come back as they were; what cannot be saved is refused with what to do."""

import copy
import inspect
import json
import pickle
import re
import subprocess
import sys
import warnings

import joblib
import numpy as np
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import Pipeline as ImblearnPipeline
from imblearn.under_sampling import RandomUnderSampler
from sklearn import config_context
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    RidgeClassifier,
    RidgeClassifierCV,
)
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import FeatureUnion
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.preprocessing import (
    Binarizer,
    LabelEncoder,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC
from torch import nn

import skwater
from skwater import EarlyDetector, RSSResampler, SequenceClassifier, make_pipeline
from skwater.exceptions import ModelFileError
from skwater.persistence._types import _ALLOWED, name_of
from skwater.preprocessing import (
    BaselineCorrector,
    CanopyCover,
    CenterCrop,
    FrameEncoder,
    FrameSampler,
    FrameScaler,
    FrameWise,
    Resize,
    VegetationMask,
    WhiteBalance,
)
from skwater.resampling import SeasonStarts
from skwater.sequences._recipe import check_plain_recipe, without_functions


def saved(model, tmp_path, **options):
    """The model after it was saved and loaded."""
    path = tmp_path / "model.skwater"
    skwater.save(model, path)
    return skwater.load(path, **options)


def without_addresses(model):
    return re.sub("0x[0-9A-F]+", "", repr(model))


def assert_same(model, loaded, X):
    """Equal parameters, and bit-equal answers of whatever methods there are."""
    assert type(loaded) is type(model)
    assert without_addresses(loaded) == without_addresses(model)
    names = "predict", "predict_proba", "predict_proba_over_time", "decision_function", "transform"
    names = [name for name in names if hasattr(model, name)]
    assert names
    for name in names:
        expected, found = getattr(model, name)(X), getattr(loaded, name)(X)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(np.asarray(found), np.asarray(expected), err_msg=name)


@pytest.mark.parametrize("ndim", [2, 3, 4, 5])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_networks(make_classifier, make_task, tmp_path, ndim, n_classes):
    X, y = make_task(n_classes=n_classes, ndim=ndim)
    X[3, 2] = np.nan
    model = make_classifier(early_stopping=n_classes == 2).fit(X, np.array(["c", "a", "b"])[y])
    loaded = saved(model, tmp_path)
    assert_same(model, loaded, X)
    assert loaded.history_ == model.history_
    assert loaded.get_params() == model.get_params()


class Gate(nn.Module):
    """A network of the user: lazy, with a buffer, state of another type and arguments."""

    def __init__(self, n_channels, n_outputs, frame_size, *, width=3, scales=(1.0, 2.0)):
        super().__init__()
        self.scales = scales
        self.body = nn.Sequential(nn.LazyLinear(width), nn.BatchNorm1d(width), nn.ReLU())
        self.head = nn.Linear(width, n_outputs)
        self.register_buffer("kept", 0.5 * nn.init.ones_(nn.Linear(1, 1).weight.detach()), False)

    def forward(self, x):
        x = x[:, -1].flatten(1).nan_to_num(0) * self.scales[0] * self.kept[0, 0].to(x.dtype)
        return self.head(self.body(x))


def test_network_of_the_user(make_task, tmp_path):
    X, y = make_task()
    params = {"width": 5, "scales": (0.5, 1.0)}
    model = SequenceClassifier(Gate, network_params=params, max_epochs=1, random_state=0).fit(X, y)
    loaded = saved(model, tmp_path, networks=[Gate])
    assert_same(model, loaded, X)
    assert_same(model, saved(loaded, tmp_path, networks=[Gate]), X)
    with pytest.raises(ModelFileError, match=r"'Gate' of the module .* load\(path, networks=\[Gat"):
        skwater.load(tmp_path / "model.skwater")
    with pytest.raises(TypeError, match="networks must be classes"):
        skwater.load(tmp_path / "model.skwater", networks=["Gate"])


def test_public_network_needs_no_trust(make_task, tmp_path):
    X, y = make_task()
    params = {"hidden_channels": 3, "head_channels": (3,)}
    model = SequenceClassifier(
        skwater.nn.ConvLSTMNet, network_params=params, max_epochs=1, random_state=0
    ).fit(X, y)
    assert_same(model, saved(model, tmp_path), X)


def test_network_in_net_params(make_task, tmp_path):
    X, y = make_task()
    params = {"module": skwater.nn.CNNLSTMNet, "module__lstm_size": 5}
    model = SequenceClassifier(
        skwater.nn.ConvLSTMNet, net_params=params, max_epochs=1, random_state=0
    ).fit(X, y)
    assert_same(model, saved(model, tmp_path), X)


def test_loading_leaves_the_generators_alone(make_classifier, make_task, tmp_path):
    import torch

    X, y = make_task()
    for model, options in (
        (make_classifier(), {}),
        (SequenceClassifier(Gate, max_epochs=1), {"networks": [Gate]}),
    ):
        model.fit(X, y)
        before = torch.get_rng_state()
        saved(model, tmp_path, **options)
        assert torch.equal(torch.get_rng_state(), before)


def test_detector(make_plants, tmp_path):
    X, y, *_ = make_plants()
    pipeline = make_pipeline(RSSResampler(30, random_state=0), FrameScaler(), LogisticRegression())
    model = EarlyDetector(pipeline, min_frames=2, one_model_per_date=True, threshold=0.7).fit(X, y)
    loaded = saved(model, tmp_path)
    assert_same(model, loaded, X)
    np.testing.assert_array_equal(loaded.detect(X), model.detect(X))


def test_detector_of_a_network(make_classifier, make_task, tmp_path):
    X, y = make_task()
    model = EarlyDetector(make_classifier(), n_consecutive=2).fit(X, y)
    assert_same(model, saved(model, tmp_path), X)


@pytest.mark.parametrize("pipeline", [skwater.Pipeline, ImblearnPipeline, SklearnPipeline])
def test_pipelines_of_images(make_classifier, pipeline, tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (8, 4, 12, 12, 3), dtype=np.uint8)
    y = np.arange(8) % 2
    steps = [
        ("sample", FrameSampler(3, random_state=np.random.RandomState(3))),
        ("white", WhiteBalance()),
        ("crop", CenterCrop(8)),
        ("size", Resize(4)),
        ("mask", VegetationMask()),
    ]
    if pipeline is not SklearnPipeline:
        steps.append(("rss", RSSResampler(6, random_state=0, lazy=True)))
        steps.append(("starts", SeasonStarts(2)))
    model = pipeline([*steps, ("net", make_classifier())], memory=str(tmp_path / "cache"))
    model.fit(X, y)
    loaded = saved(model, tmp_path)
    assert loaded.memory is None, "a folder of this computer"
    assert_same(model.set_params(memory=None), loaded, X)


SKLEARN = [
    make_pipeline(StandardScaler(), LogisticRegression(random_state=np.random.RandomState(0))),
    make_pipeline(SimpleImputer(), PCA(3), RidgeClassifier()),
    make_pipeline(MinMaxScaler(), TruncatedSVD(2), RidgeClassifierCV()),
    make_pipeline(RobustScaler(), LinearDiscriminantAnalysis()),
    make_pipeline(MaxAbsScaler(), QuadraticDiscriminantAnalysis(reg_param=0.1)),
    make_pipeline(PowerTransformer(), GaussianNB()),
    make_pipeline(QuantileTransformer(n_quantiles=5), NearestCentroid()),
    make_pipeline(Normalizer(), Binarizer(), DummyClassifier()),
    make_pipeline(
        VarianceThreshold(), LogisticRegressionCV(cv=3, l1_ratios=(0,), use_legacy_attributes=False)
    ),
    make_pipeline(FeatureUnion([("a", StandardScaler()), ("b", PCA(2))]), LogisticRegression()),
    make_pipeline(RandomOverSampler(random_state=0), FrameScaler(), LogisticRegression()),
    make_pipeline(RandomUnderSampler(random_state=0), BaselineCorrector(2), GaussianNB()),
    make_pipeline(SMOTE(random_state=0), LogisticRegression()),
    make_pipeline(FrameWise(StandardScaler()), LogisticRegression()),
    make_pipeline(
        ColumnTransformer([("a", StandardScaler(), slice(0, 3)), ("b", "passthrough", [4])]),
        LogisticRegression(),
    ),
    CalibratedClassifierCV(LogisticRegression(), cv=3),
    CalibratedClassifierCV(GaussianNB(), cv=3, method="temperature", ensemble=False),
    VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft"),
]


@pytest.mark.parametrize("model", SKLEARN, ids=lambda model: repr(model)[:60])
def test_scikit_learn(make_plants, tmp_path, model):
    X, y, *_ = make_plants()
    model = copy.deepcopy(model).fit(X, np.array(["dry", "wet"], dtype=object)[y])
    assert_same(model, saved(model, tmp_path), X)


def test_every_estimator_of_skwater_is_allowed():
    modules = [getattr(skwater, name) for name in skwater.__all__]
    modules = [skwater, *filter(inspect.ismodule, modules)]
    public = [getattr(module, name) for module in modules for name in module.__all__]
    ours = {cls for cls in public if inspect.isclass(cls) and issubclass(cls, BaseEstimator)}
    # A FrameEncoder has a network from elsewhere, or names files to read: neither is safe.
    assert {cls.__name__ for cls in ours if name_of(cls) is None} == {"FrameEncoder"}


def test_a_frame_encoder_is_refused_by_name(tmp_path):
    X = np.zeros((2, 3, 4, 4, 3), np.uint8)
    model = FrameEncoder(nn.Flatten(), verbose=0).fit(X)
    with pytest.raises(ValueError, match="FrameEncoder"):
        skwater.save(model, tmp_path / "model.skwater")


def test_every_allowed_class_is_tested(make_plants):
    tested = {"ADASYN", "CNNLSTMClassifier", "ConvLSTMClassifier", "SequenceClassifier"}
    tested |= {"EarlyDetector", "LabelBinarizer", "LabelEncoder", "CanopyCover"}
    tested |= {
        "CenterCrop",
        "FrameSampler",
        "Resize",
        "RSSResampler",
        "SeasonStarts",
        "VegetationMask",
        "WhiteBalance",
    }
    tested |= {"_CalibratedClassifier", "_SigmoidCalibration", "_TemperatureScaling"}
    for model in SKLEARN:
        parts = [model, *model.get_params().values()]
        tested |= {type(part).__name__ for part in parts}
    tested.add("FunctionTransformer")  # what "passthrough" becomes
    allowed = set().union(*_ALLOWED.values())
    assert allowed - tested == set()


def test_label_encoder_and_cover(tmp_path):
    labels = ["dry", "wet", "dry"]
    encoder = LabelEncoder().fit(labels)
    assert saved(encoder, tmp_path).transform(labels).tolist() == [0, 1, 0]
    X = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4, 3), dtype=np.uint8)
    assert_same(CanopyCover().fit(X), saved(CanopyCover().fit(X), tmp_path), X)


def test_arrays_keep_their_order_in_memory(make_plants, tmp_path):
    X, y, *_ = make_plants()
    model = LogisticRegression().fit(X, y)
    model.coef_ = np.asfortranarray(np.tile(model.coef_, (2, 1)))
    loaded = saved(model, tmp_path)
    assert loaded.coef_.flags.f_contiguous
    assert loaded.coef_.flags.writeable
    np.testing.assert_array_equal(loaded.coef_, model.coef_)


def test_requests_for_metadata_are_kept(make_plants, tmp_path):
    X, y, _, treatments = make_plants()
    with config_context(enable_metadata_routing=True):
        sampler = RSSResampler(30, random_state=0).set_fit_resample_request(strata=True)
        model = make_pipeline(sampler, LogisticRegression()).fit(X, y, strata=treatments % 2)
        loaded = saved(model, tmp_path)
        again = loaded.fit(X, y, strata=treatments % 2)
    np.testing.assert_array_equal(again[0].donors_, model[0].donors_)


def test_loaded_model_can_be_fitted_pickled_and_saved(make_classifier, make_task, tmp_path):
    X, y = make_task()
    model = make_classifier().fit(X, y)
    expected = model.predict_proba(X)
    loaded = saved(model, tmp_path)
    joblib.dump(loaded, tmp_path / "model.joblib")
    for other in (
        pickle.loads(pickle.dumps(loaded)),
        joblib.load(tmp_path / "model.joblib"),
        saved(loaded, tmp_path),
        loaded.fit(X, y),
    ):
        np.testing.assert_array_equal(other.predict_proba(X), expected)


def test_loaded_network_steps(make_classifier, make_task, tmp_path):
    import torch

    X, y = make_task()
    model = make_classifier().fit(X, y)
    frame = torch.from_numpy(X[:, 0]).movedim(-1, 1)
    expected, _ = model.net_.module_.step(frame)
    found, _ = saved(model, tmp_path).net_.module_.step(frame)
    assert torch.equal(found, expected)


def darker(frame):
    return frame // 2


@pytest.fixture
def plants(tmp_path):
    """Images of four plants on three days, loaded through a function."""
    import cv2

    for plant in "dry/a", "dry/b", "wet/c", "wet/d":
        for day in 1, 2, 4:
            file = tmp_path / "images" / plant / f"2024-05-0{day}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            gray = 200 if plant < "w" else 20
            cv2.imwrite(str(file), np.full((8, 8, 3), gray + day, dtype=np.uint8))
    return skwater.datasets.load_image_sequences(
        tmp_path / "images", start="2024-05-01", convert=darker
    )


def test_recipe_travels_with_the_model(make_classifier, plants, tmp_path):
    model = make_classifier().fit(plants.data, plants.target)
    loaded = saved(model, tmp_path)
    name = f"{darker.__module__}.darker"
    images = model.recipe_["images"] | {"convert": name}
    assert loaded.recipe_ == model.recipe_ | {"images": images}
    assert skwater.inspect(tmp_path / "model.skwater")["days"] == [0, 1, 3]
    options = {"start": "2024-05-01", "convert": darker}
    folder = tmp_path / "images" / "dry"
    found = skwater.predict_images(loaded, folder, **options)
    expected = skwater.predict_images(model, folder, **options)
    np.testing.assert_array_equal(found.probability, expected.probability)
    with pytest.raises(ValueError, match=r"converted by .*darker.* pass convert="):
        skwater.predict_images(loaded, folder, start="2024-05-01")


@pytest.mark.parametrize(
    "change",
    [
        lambda recipe: recipe.update(cache="/somewhere"),
        lambda recipe: recipe.pop("changed"),
        lambda recipe: recipe["images"].update(cache="/somewhere"),
        lambda recipe: recipe["images"].update(convert=3),
    ],
)
def test_forged_recipe(plants, change):
    recipe = without_functions(plants.data.recipe)
    check_plain_recipe(recipe)
    recipe = copy.deepcopy(recipe)
    change(recipe)
    with pytest.raises(ValueError, match=r"^recipe_ "):
        check_plain_recipe(recipe)


def test_card(make_plants, tmp_path):
    X, y, *_ = make_plants()
    path = tmp_path / "model.skwater"
    model = make_pipeline(
        RSSResampler(30, random_state=7), LogisticRegression(random_state=np.random.RandomState(0))
    ).fit(X, y)
    notes = {
        "scores": np.array([0.5, np.nan]),
        "test_plants": (3, np.int64(7)),
        "day": y.dtype.name,
    }
    skwater.save(model, path, notes=notes)
    card = skwater.inspect(path)
    assert card["class"] == "skwater.Pipeline"
    assert (card["n_plants"], card["n_frames"], card["classes"]) == (24, 6, [0, 1])
    assert card["seeds"]["rssresampler__random_state"] == 7
    assert card["seeds"]["logisticregression__random_state"].startswith("RandomState")
    assert card["notes"] == {"scores": [0.5, "nan"], "test_plants": [3, 7], "day": "int64"}
    assert card["versions"]["skwater"] == skwater.__version__
    assert not any("memory" in name for name in card["parameters"])
    assert "\nseeds:\n    rssresampler__random_state: 7\n" in f"\n{card}\n"
    with pytest.raises(TypeError, match=r"notes\['a'\] must be text"):
        skwater.save(model, path, notes={"a": object()})
    with pytest.raises(TypeError, match="notes must be a dictionary or text, got int"):
        skwater.save(model, path, notes=3)


def test_card_of_a_network(make_classifier, make_task, tmp_path):
    X, y = make_task()
    model = make_classifier().fit(X, y)
    skwater.save(model, tmp_path / "model.skwater", notes="of the first trial")
    card = skwater.inspect(tmp_path / "model.skwater")
    assert card["frame_shape"] == [4, 4, 3]
    assert card["n_weights"] == model.n_parameters_
    assert card["notes"] == {"text": "of the first trial"}


@pytest.mark.parametrize(
    ("function", "module"),
    [
        ("inspect", "torch"),
        ("load", "torch._dynamo"),  # takes seconds to import, and comes with the first optimizer
    ],
)
def test_what_is_not_imported(make_task, tmp_path, function, module):
    path = tmp_path / "model.skwater"
    skwater.save(skwater.CNNLSTMClassifier(max_epochs=1).fit(*make_task()), path)
    call = f"skwater.{function}({str(path)!r})"
    program = f"import sys, skwater; {call}; print({module!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


def test_card_cannot_control_a_terminal():
    card = skwater.persistence.ModelCard({"a\x1b[2J": {"b": "\x1b]0;x\x07\u202e"}})
    assert str(card) == "a\\x1b[2J:\n    b: \\x1b]0;x\\x07\\u202e"


def test_file_is_small(tmp_path):
    X, y = skwater.datasets.make_water_stress(16, 16, 64, random_state=0, return_X_y=True)
    sampler = RSSResampler(60, random_state=0, lazy=True)
    classifier = skwater.CNNLSTMClassifier(max_epochs=1, batch_size=64, random_state=0)
    model = make_pipeline(sampler, FrameSampler(4), classifier).fit(X, y)
    path = tmp_path / "model.skwater"
    skwater.save(model, path, notes={"test_plants": list(range(30))})
    assert path.stat().st_size <= 1.5 * 4 * classifier.n_parameters_ + 50_000


def test_same_model_gives_the_same_bytes(make_classifier, make_task, tmp_path):
    model = make_classifier().fit(*make_task())
    files = [tmp_path / name for name in "ab"]
    for file in files:
        skwater.save(model, file)
    assert files[0].read_bytes() == files[1].read_bytes()


def test_file_is_a_safetensors_file(make_classifier, make_task, tmp_path):
    from safetensors.numpy import load_file

    model = make_classifier().fit(*make_task())
    skwater.save(model, tmp_path / "model.skwater")
    arrays = load_file(tmp_path / "model.skwater")
    for name, value in model.net_.module_.state_dict().items():
        np.testing.assert_array_equal(arrays[f"model.net_.{name}"], value.numpy())


class Own(LogisticRegression):
    pass


REFUSED = [
    (RandomForestClassifier(2), r"model is RandomForest.* Trees, nearest neighbors .* joblib"),
    (make_pipeline(StandardScaler(), KNeighborsClassifier()), r"model.steps\[1\]\[1\] is KNeigh"),
    (SVC(), "support vector machines"),
    (GridSearchCV(LogisticRegression(), {"C": [1, 2]}), "Save its best_estimator_"),
    (Own(), "type .*Own, which a model file .* cannot hold"),
    (LogisticRegressionCV(cv=3, scoring=len), "scoring"),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("model", "message"), REFUSED, ids=lambda p: type(p).__name__)
def test_what_cannot_be_saved(make_plants, tmp_path, model, message):
    X, y, *_ = make_plants()
    try:
        model = copy.deepcopy(model).fit(X, y)
    except TypeError:  # len is no scorer
        model = copy.deepcopy(model).set_params(scoring=None).fit(X, y).set_params(scoring=len)
    with pytest.raises(ValueError, match=message):
        skwater.save(model, tmp_path / "model.skwater")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["augment", "callbacks"])
def test_what_acts_in_fit_alone_must_go(make_classifier, make_task, tmp_path, name):
    from skorch.callbacks import EpochTimer

    X, y = make_task()
    value = {"augment": copy.copy, "callbacks": [EpochTimer()]}[name]
    model = make_classifier(**{name: value}).fit(X, y)
    with pytest.raises(ValueError, match=f"acts in fit alone: set {name} back to its default"):
        skwater.save(model, tmp_path / "model.skwater")
    assert_same(model.set_params(**{name: None}), saved(model, tmp_path), X)


def test_not_fitted(make_classifier, tmp_path):
    with pytest.raises(NotFittedError):
        skwater.save(make_classifier(), tmp_path / "model.skwater")


def test_other_version_of_scikit_learn_is_a_warning(make_plants, tmp_path, monkeypatch):
    X, y, *_ = make_plants()
    skwater.save(LogisticRegression().fit(X, y), tmp_path / "model.skwater")
    monkeypatch.setattr("sklearn.__version__", "7.1.0")
    with pytest.warns(InconsistentVersionWarning, match=r"LogisticRegression from version 1\."):
        skwater.load(tmp_path / "model.skwater")


def test_other_version_is_no_matter_for_networks(make_classifier, make_task, tmp_path, monkeypatch):
    skwater.save(make_classifier().fit(*make_task()), tmp_path / "model.skwater")
    monkeypatch.setattr("sklearn.__version__", "7.1.0")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        skwater.load(tmp_path / "model.skwater")


def test_file_that_does_not_exist(tmp_path):
    for function in skwater.load, skwater.inspect:
        with pytest.raises(FileNotFoundError):
            function(tmp_path / "model.skwater")


def test_error_pickles():
    error = pickle.loads(pickle.dumps(ModelFileError("a", "b", "c")))
    assert (error.path, error.part, error.reason, str(error)) == ("a", "b", "c", "a: b: c")


def test_header_is_json(make_plants, tmp_path):
    """What a reader in another language must do is written in docs/security.rst."""
    X, y, *_ = make_plants()
    path = tmp_path / "model.skwater"
    skwater.save(LogisticRegression().fit(X, y), path)
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    number, _, text = header["__metadata__"]["skwater"].split(" ", 2)
    assert number == "1"
    assert json.loads(text).keys() == {"card", "model", "arrays"}
