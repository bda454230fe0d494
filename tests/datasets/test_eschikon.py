import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import LeaveOneGroupOut, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skwater.datasets import _eschikon, fetch_eschikon_indicators, get_data_home

REAL = os.environ.get("SKWATER_TEST_DATA")
needs_real_data = pytest.mark.skipif(not REAL, reason="SKWATER_TEST_DATA is not set")
FILES = {False: _eschikon._MEANS, True: _eschikon._MEANS_AND_VARIANCES}


@pytest.fixture(scope="module")
def plants():
    return fetch_eschikon_indicators(data_home=REAL, download_if_missing=False)


def put(folder, name, content=b"something else"):
    path = folder / "eschikon" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


@needs_real_data
def test_groups_are_those_of_the_paper(plants):
    boxes = plants.plant + 1
    np.testing.assert_array_equal(boxes, np.arange(1, 31))
    drying = [13, 14, 15, 19, 20, 21, 28, 29, 30]
    assert list(boxes[plants.target == 1]) == drying
    assert list(boxes[plants.nitrogen == "high"]) == [1, 2, 3, *range(7, 13), 16, 17, 18]
    assert list(boxes[plants.nitrogen == "medium"]) == [4, 5, 6, 13, 14, 15, 19, 20, 21]
    assert list(boxes[plants.nitrogen == "low"]) == list(range(22, 31))
    assert list(boxes[plants.weeds == "few"]) == [7, 8, 9, 25, 26, 27]
    assert list(boxes[plants.weeds == "many"]) == [10, 11, 12, 19, 20, 21]
    assert list(boxes[plants.weeds == "only"]) == [16, 17, 18]
    np.testing.assert_array_equal(plants.treatment, np.repeat(np.arange(10), 3))


@needs_real_data
def test_axes_are_boxes_dates_indicators(plants):
    assert plants.data.shape == (30, 16, 28)
    assert plants.data.dtype == np.float32
    assert np.isfinite(plants.data).all()
    cover = plants.data[:, :, 0]
    mean = {
        (target, day): cover[plants.target == target, list(plants.days).index(day)].mean()
        for target in (0, 1)
        for day in plants.days
    }
    assert mean[0, 12] == pytest.approx(0.028, abs=1e-3)
    assert mean[0, 49] == pytest.approx(0.960, abs=1e-3)
    assert mean[1, 39] == pytest.approx(0.770, abs=1e-3)
    assert mean[1, 53] == pytest.approx(0.536, abs=1e-3)
    names = plants.feature_names
    assert names[:4] == ["Canopy Cover [%]", "Volumetric Estimate [m*pixels]", "Height [m]", "MS1"]
    assert len(names) == 28


@needs_real_data
def test_onset_is_the_frame_of_the_last_irrigation(plants):
    assert plants.days[plants.onset - 1] == plants.onset_day == 28


@needs_real_data
def test_variances():
    plants = fetch_eschikon_indicators(data_home=REAL, variances=True, download_if_missing=False)
    means = fetch_eschikon_indicators(data_home=REAL, download_if_missing=False)
    assert plants.data.shape == (30, 16, 54)
    assert len(plants.feature_names) == 54
    assert plants.feature_names[:28] == means.feature_names
    assert plants.feature_names[28:30] == ["Height Var [m]", "MS1 Var"]
    assert np.isfinite(plants.data).all()
    # As DESCR says, the two files disagree on two dates and on no other.
    differ = (plants.data[:, :, :28] != means.data).any(axis=(0, 2))
    assert list(plants.days[differ]) == [49, 70]


@needs_real_data
def test_return_X_y(plants):
    X, y = fetch_eschikon_indicators(data_home=REAL, download_if_missing=False, return_X_y=True)
    np.testing.assert_array_equal(X, plants.data)
    np.testing.assert_array_equal(y, plants.target)


@needs_real_data
def test_baseline_on_canopy_cover(plants):
    X, y = plants.data[:, :, 0], plants.target
    model = make_pipeline(StandardScaler(), LogisticRegression())
    by_plant = [
        cross_val_predict(model, X, y, cv=StratifiedKFold(3, shuffle=True, random_state=seed))
        for seed in range(4)
    ]
    assert np.mean([accuracy_score(y, p) for p in by_plant]) == pytest.approx(0.97, abs=0.02)
    by_treatment = cross_val_predict(model, X, y, groups=plants.treatment, cv=LeaveOneGroupOut())
    assert accuracy_score(y, by_treatment) == pytest.approx(29 / 30)
    assert balanced_accuracy_score(y, by_treatment) == pytest.approx(17 / 18)


@pytest.mark.parametrize("variances", [False, True])
def test_wrong_file_is_refused(tmp_path, variances):
    path = put(tmp_path, FILES[variances].name)
    found = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(OSError, match="is not the authors' file") as error:
        fetch_eschikon_indicators(data_home=tmp_path, variances=variances)
    for part in (str(path), found, FILES[variances].sha256, "Delete it"):
        assert part in str(error.value)


@pytest.mark.parametrize("variances", [False, True])
def test_missing_file(tmp_path, variances):
    with pytest.raises(OSError, match="Data not found and `download_if_missing` is False") as error:
        fetch_eschikon_indicators(
            data_home=tmp_path, download_if_missing=False, variances=variances
        )
    assert FILES[variances].url in str(error.value)


@pytest.mark.parametrize("variances", [False, True])
def test_download_asks_for_the_pinned_file(tmp_path, monkeypatch, variances):
    pooch = pytest.importorskip("pooch")
    remote, asked = FILES[variances], []

    def retrieve(url, known_hash, fname, path, progressbar):
        asked.append((url, known_hash, Path(path, fname), progressbar))

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    monkeypatch.setattr(_eschikon, "_read", lambda path: path)
    path = fetch_eschikon_indicators(data_home=tmp_path, variances=variances)
    assert path == tmp_path / "eschikon" / remote.name
    assert asked == [(remote.url, f"sha256:{remote.sha256}", path, True)]
    assert len(remote.commit) == 40
    assert remote.commit in remote.url


@needs_real_data
def test_served_download_is_read_and_used_again_without_network(tmp_path, monkeypatch, plants):
    pooch = pytest.importorskip("pooch")
    calls = []

    def serve(url, output_file, _pooch, check_only=False):
        calls.append(url)
        Path(output_file).write_bytes((Path(REAL) / "eschikon" / Path(url).name).read_bytes())

    monkeypatch.setattr(pooch.core, "choose_downloader", lambda url, progressbar: serve)
    for _ in range(2):
        fetched = fetch_eschikon_indicators(data_home=tmp_path)
        np.testing.assert_array_equal(fetched.data, plants.data)
    assert calls == [_eschikon._MEANS.url]


def test_wrong_download_is_refused_and_not_kept(tmp_path, monkeypatch):
    pooch = pytest.importorskip("pooch")

    def serve(url, output_file, _pooch, check_only=False):
        Path(output_file).write_bytes(b"not found")

    monkeypatch.setattr(pooch.core, "choose_downloader", lambda url, progressbar: serve)
    with pytest.raises(ValueError, match="does not match the known hash"):
        fetch_eschikon_indicators(data_home=tmp_path)
    assert list((tmp_path / "eschikon").iterdir()) == []


def test_missing_packages_are_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(
        ImportError, match=r'pooch to download it: pip install "skwater\[datasets\]'
    ):
        fetch_eschikon_indicators(data_home=tmp_path)

    path = put(tmp_path, _eschikon._MEANS.name)
    known = _eschikon._MEANS._replace(sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setattr(_eschikon, "_MEANS", known)
    monkeypatch.setitem(sys.modules, "matio", None)
    with pytest.raises(
        ImportError, match=r'mat-io .* to read it: pip install "skwater\[datasets\]'
    ):
        fetch_eschikon_indicators(data_home=tmp_path)


def test_data_home_argument_then_environment_then_default(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))  # what Windows reads instead
    monkeypatch.delenv("SKWATER_DATA", raising=False)
    assert get_data_home() == str(tmp_path / "skwater_data")
    monkeypatch.setenv("SKWATER_DATA", str(tmp_path / "deep" / "environment"))
    assert get_data_home() == str(tmp_path / "deep" / "environment")
    assert get_data_home(tmp_path / "argument") == str(tmp_path / "argument")
    assert get_data_home("~/tilde") == str(tmp_path / "tilde")
    made = sorted(path.name for path in tmp_path.iterdir())
    assert made == ["argument", "deep", "skwater_data", "tilde"]
