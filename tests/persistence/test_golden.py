"""Files of every version are loaded by all later ones; golden/make.py has made them."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

import skwater

FOLDER = Path(__file__).with_name("golden")
FILES = sorted(FOLDER.glob("*.skwater"))


def plants():
    spec = importlib.util.spec_from_file_location("make", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.plants()


def test_the_files_are_there_and_small():
    assert [path.stem for path in FILES] == ["cnnlstm-1", "convlstm-1", "detector-1"]
    assert max(path.stat().st_size for path in FILES) < 20_000


# Another version of scikit-learn than that of the file is a warning.
@pytest.mark.filterwarnings("ignore:Trying to unpickle estimator")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_file(path):
    X, y = plants()
    if path.stem.startswith("detector"):
        X = X[..., 0, 0, 0].astype(np.float64)
    model, card = skwater.load(path), skwater.inspect(path)
    assert model.classes_.tolist() == card["classes"] == sorted(set(y))
    tolerance = 1e-4 if torch.cuda.is_available() else 1e-6  # a GPU multiplies in TF32
    np.testing.assert_allclose(model.predict_proba(X), card["notes"]["expected"], atol=tolerance)
    assert set(model.predict(X)) <= set(y)
