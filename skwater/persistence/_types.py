"""Which classes a model file may name. Nothing else is imported or made when a file is loaded."""

import importlib
import sys

# Those of scikit-learn and imbalanced-learn that predict by numpy alone, so that wrong numbers in a
# file can give wrong answers, but never reach memory that is not theirs. Trees, nearest neighbors
# and support vector machines follow indices in compiled code, which does not check them.
_ALLOWED = {
    "skwater": {"Pipeline"},
    "skwater.classifiers": {"CNNLSTMClassifier", "ConvLSTMClassifier", "SequenceClassifier"},
    "skwater.early_detection": {"EarlyDetector"},
    "skwater.resampling": {"RSSResampler", "SeasonStarts"},
    "skwater.preprocessing": {
        "BaselineCorrector",
        "CanopyCover",
        "CenterCrop",
        "FrameSampler",
        "FrameScaler",
        "FrameWise",
        "Resize",
        "VegetationMask",
        "WhiteBalance",
    },
    "imblearn.over_sampling": {"ADASYN", "RandomOverSampler", "SMOTE"},
    "imblearn.pipeline": {"Pipeline"},
    "imblearn.under_sampling": {"RandomUnderSampler"},
    "sklearn.calibration": {
        "CalibratedClassifierCV",
        "_CalibratedClassifier",
        "_SigmoidCalibration",
        "_TemperatureScaling",
    },
    "sklearn.compose": {"ColumnTransformer"},
    "sklearn.decomposition": {"PCA", "TruncatedSVD"},
    "sklearn.discriminant_analysis": {
        "LinearDiscriminantAnalysis",
        "QuadraticDiscriminantAnalysis",
    },
    "sklearn.dummy": {"DummyClassifier"},
    "sklearn.ensemble": {"VotingClassifier"},
    "sklearn.feature_selection": {"VarianceThreshold"},
    "sklearn.impute": {"SimpleImputer"},
    "sklearn.linear_model": {
        "LogisticRegression",
        "LogisticRegressionCV",
        "RidgeClassifier",
        "RidgeClassifierCV",
    },
    "sklearn.naive_bayes": {"GaussianNB"},
    "sklearn.neighbors": {"NearestCentroid"},
    "sklearn.pipeline": {"FeatureUnion", "Pipeline"},
    "sklearn.preprocessing": {
        "Binarizer",
        "FunctionTransformer",  # without a function
        "LabelBinarizer",
        "LabelEncoder",
        "MaxAbsScaler",
        "MinMaxScaler",
        "Normalizer",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
    },
}


def name_of(cls):
    """Public name of a class that a file may name, such as "sklearn.pipeline.Pipeline", or None."""
    parts = cls.__module__.split(".")
    private = [i for i, part in enumerate(parts) if part.startswith("_")]
    module = ".".join(parts[: private[0]] if private else parts)
    for home in (module, module.rpartition(".")[0]):  # sklearn.linear_model has public submodules
        if cls.__name__ in _ALLOWED.get(home, ()):
            found = getattr(sys.modules.get(home), cls.__name__, None)
            return f"{home}.{cls.__name__}" if found is cls else None
    return None


def class_of(name):
    """Class of a name that a file gives; ValueError if it may not."""
    module, _, short = name.rpartition(".") if isinstance(name, str) else ("", "", "")
    if short not in _ALLOWED.get(module, ()):
        raise ValueError(f"the class {name!r} may not be in a model file")
    return getattr(importlib.import_module(module), short)


def network_name(cls):
    """What a file says of a network: its public name, or name and module if it is not ours."""
    from .. import nn

    if cls.__name__ in nn.__all__ and getattr(nn, cls.__name__) is cls:
        return {"network": f"skwater.nn.{cls.__name__}"}
    return {"network": cls.__name__, "module": cls.__module__}


def network_of(node, networks):
    """Network of a name that a file gives: one of ours, or one that the user has passed."""
    from .. import nn

    name, module = node["network"], node.get("module")
    ours = {f"skwater.nn.{short}": getattr(nn, short) for short in nn.__all__}
    found = (ours if module is None else {cls.__name__: cls for cls in networks}).get(name)
    if isinstance(found, type):
        return found
    if module is None:
        raise ValueError(f"the network {name!r} may not be in a model file")
    raise ValueError(
        f"it needs the network {name!r} of the module {module!r}, which is not part of skwater. If "
        f"you trust that class, import it and pass it: load(path, networks=[{name}])"
    )
