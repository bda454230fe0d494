"""The bytes of a model file: what is wrong with them is said, before anything is made of them."""

import json
import os
import pickle
import zipfile

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import skwater
from skwater.exceptions import ModelFileError
from skwater.persistence._container import DTYPES, MAX_HEADER, pack, read, read_content, unpack


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(0)
    path = tmp_path / "model.skwater"
    skwater.save(LogisticRegression().fit(rng.normal(size=(9, 4)), [0, 1, 2] * 3), path)
    return path


def write_header(path, header, data=b""):
    header = json.dumps(header).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)


def assert_refused(path, message, *, inspected=True):
    for function in (skwater.load, *[skwater.inspect] * inspected):
        with pytest.raises(ModelFileError, match=message) as caught:
            function(path)
        assert caught.value.path == str(path)


def test_arrays_of_all_types_come_back(tmp_path):
    arrays = {code: np.array([[1, 0, 1]], dtype) for code, dtype in DTYPES.items()}
    arrays |= {"none": np.zeros((0, 3)), "one": np.array(2.5)}
    path = tmp_path / "arrays"
    path.write_bytes(pack({"a": 1}, arrays))
    content, found = read(path)
    assert content["a"] == read_content(path)["a"] == 1
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("n", [0, 1, 8, 9, 100])
def test_truncated(path, n):
    path.write_bytes(path.read_bytes()[:n])
    assert_refused(path, "not a skwater model file|truncated")


def test_truncated_in_the_arrays(path):
    path.write_bytes(path.read_bytes()[:-1])
    assert_refused(path, "arrays: they do not fit the file", inspected=False)


def test_changed_array(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert_refused(path, "arrays: they are damaged: their checksum", inspected=False)


def test_changed_text(path):
    path.write_bytes(path.read_bytes().replace(b"lbfgs", b"lbfgz"))
    assert_refused(path, "header: it is damaged: its checksum")


def test_file_of_a_later_version(path):
    path.write_bytes(path.read_bytes().replace(b'"skwater":"1 ', b'"skwater":"2 '))
    assert_refused(path, "format: the file has format '2', and this .* reads 1: update skwater")


@pytest.mark.parametrize("size", [MAX_HEADER + 1, 2**40, 2**63, 2**64 - 1])
def test_huge_declared_header(path, size):
    path.write_bytes(size.to_bytes(8, "little") + path.read_bytes()[8:])
    assert_refused(path, "header: it declares .* more than is legal")


def test_other_files(path):
    path.write_bytes(pickle.dumps([1]))
    assert_refused(path, "file: it is a pickle, and not a skwater model file")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"")
    assert_refused(path, "file: it is a zip archive, such as torch and skops write, and not")
    write_header(path, {"__metadata__": {"format": "pt"}})
    assert_refused(path, "header: it is damaged, or not of skwater")
    write_header(path, [])
    assert_refused(path, "file: it is not a skwater model file")


def test_deep_header(path):
    n = MAX_HEADER // 2 - 100
    header = b'{"a":' + b"[" * n + b"]" * n + b"}"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    assert_refused(path, "header")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_named_pipe_does_not_wait(path):
    path.unlink()
    os.mkfifo(path)
    assert_refused(path, "file: not a regular file")


def test_model_that_is_too_large(monkeypatch):
    monkeypatch.setattr("skwater.persistence._container.MAX_HEADER", 100)
    with pytest.raises(ValueError, match=r"too large for a model file: .* of at most 100"):
        pack({"a": "b" * 100}, {})


def test_same_checksums_of_a_rewritten_file(path):
    """A checksum is no signature: who rewrites a file can compute it."""
    content, arrays = unpack(path.read_bytes())
    path.write_bytes(pack(content, arrays | {"model.coef_": arrays["model.coef_"] + 1}))
    assert skwater.load(path).coef_[0, 0] == arrays["model.coef_"][0, 0] + 1
