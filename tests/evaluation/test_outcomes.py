"""Outcomes on disk: what comes back, and what a damaged folder does to a study."""

import errno
import io
import os
import pickle
import warnings
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from counting import CountingClassifier

from skwater.evaluation import benchmark
from skwater.evaluation._outcomes import (
    _MAGIC,
    DamagedOutcomeError,
    Outcome,
    OutcomeStore,
    _checksum,
    read_outcome,
    write_outcome,
)


@pytest.fixture
def outcome():
    return Outcome(
        predicted=np.array([0, 1, 1]),
        proba=np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]]),
        decision=None,
        classes=np.array([0, 1]),
        donors={"rss": np.array([[3, 4], [4, 3]]), "another one": np.array([[1]])},
        fit_time=1.5,
        predict_time=0.1,
        n_lacking=3,
    )


LABELS = [
    [0, 1, 1],
    [-1.0, 1.0, 1.0],
    [False, True, True],
    np.array(["dry", "wet", "wet"]),
    np.array(["dry", "wet", "wet"], dtype=object),
]


@pytest.mark.parametrize("labels", LABELS)
def test_what_is_read_is_what_was_written(outcome, tmp_path, labels):
    labels = np.asarray(labels)
    changed = Outcome(
        **vars(outcome) | {"predicted": labels[:, None], "classes": np.unique(labels)}
    )
    path = OutcomeStore(tmp_path).path("key")
    write_outcome(path, changed)
    again = read_outcome(path)
    for field in fields(Outcome):
        expected, found = getattr(changed, field.name), getattr(again, field.name)
        if isinstance(expected, np.ndarray):
            assert found.dtype == expected.dtype
            assert np.array_equal(found, expected)
        elif field.name == "donors":
            assert list(found) == list(expected)
            assert all(np.array_equal(found[name], expected[name]) for name in expected)
        else:
            assert found == expected
            assert type(found) is type(expected)


def test_labels_that_are_neither_numbers_nor_strings(outcome, tmp_path):
    labels = np.array([(0, 1), (1, 2), None], dtype=object)
    with pytest.raises(ValueError, match="labels that are numbers or strings"):
        write_outcome(tmp_path / "a", Outcome(**vars(outcome) | {"classes": labels}))
    assert list(tmp_path.iterdir()) == []


def test_no_file(tmp_path):
    assert read_outcome(tmp_path / "a") is None


# A whole study beside a damaged folder.


@pytest.fixture
def study(make_plants, tmp_path):
    """A function that runs the same study again; its folder, and the file of its fits."""
    X, y, plants, _ = make_plants()
    folder, log = tmp_path / "kept", tmp_path / "log"

    def run():
        result = benchmark(
            {"m": CountingClassifier(log=str(log))}, X, y, groups=plants, memory=folder,
            baselines=None, n_repeats=1, random_state=0, verbose=0,
        )  # fmt: skip
        table = {k: v for k, v in result.rows[0].items() if not k.endswith("_time")}
        return table, len(log.read_text().split())

    run.folder = folder
    return run


def flip_a_bit(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


DAMAGE = {
    "truncated": lambda data: data[: len(data) // 2],
    "truncated to its head": lambda data: data[:20],
    "empty": lambda data: b"",
    "foreign": lambda data: b"a,b\n1,2\n",
    "bit flipped": flip_a_bit,
    "last bit flipped": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "version of the format": lambda data: data.replace(b"outcome 1", b"outcome 9"),
    "longer": lambda data: data + b"\0",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_d14_a_damaged_file_is_named_and_its_fit_runs_again(study, damage):
    table, n_fits = study()
    file = sorted(study.folder.iterdir())[1]
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    with pytest.warns(UserWarning, match=f"{file.name} is damaged.* runs again") as caught:
        again, n_fits_again = study()
    assert caught[0].filename == __file__
    assert again == table
    assert n_fits_again == n_fits + 1
    assert read_outcome(file) is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert study() == (table, n_fits_again)


def test_d14_all_damaged_files_are_counted(study):
    study()
    for file in study.folder.iterdir():
        file.write_bytes(b"")
    with pytest.warns(UserWarning, match="So are 2 other files") as caught:
        study()
    assert len(caught) == 1


def test_d14_the_file_of_another_fit_is_not_taken(study):
    table, n_fits = study()
    one, other, _ = sorted(study.folder.iterdir())
    other.write_bytes(one.read_bytes())
    with pytest.warns(UserWarning, match=other.name):
        assert study() == (table, n_fits + 1)


class Planted:
    """Leaves a file behind if it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def as_npz(thing):
    file = io.BytesIO()
    np.savez(file, predicted=np.array([thing], dtype=object))
    return file.getvalue()


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("pack", [pickle.dumps, as_npz])
def test_d14_a_planted_pickle_is_never_executed(study, tmp_path, signed, pack):
    table, n_fits = study()
    executed = tmp_path / "executed"
    pickle.loads(pickle.dumps(Planted(executed)))
    executed.unlink()  # which the test would see
    file = sorted(study.folder.iterdir())[0]
    planted = pack(Planted(executed))
    if signed:  # by somebody who knows the format
        planted = _MAGIC + _checksum(file, planted) + planted
    file.write_bytes(planted)
    file.with_suffix(".joblib").write_bytes(pickle.dumps(Planted(executed)))
    with pytest.warns(UserWarning, match=file.name):
        assert study() == (table, n_fits + 1)
    assert not executed.exists()


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_d14_a_full_disk_leaves_no_file(study, monkeypatch, function):
    def full(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, function, full)
        with pytest.raises(OSError, match="No space left"):
            study()
    assert list(study.folder.iterdir()) == []
    assert study()[1] == 1 + 3  # the first fit once more


def test_d14_leftovers_of_killed_runs_are_removed(study):
    _, n_fits = study()
    whole = sorted(study.folder.iterdir())
    leftover = whole[0].with_name(f"{whole[0].name}.0123abcd.part")
    leftover.write_bytes(whole[0].read_bytes()[:100])
    other = study.folder / "notes.part"  # somebody else's
    other.touch()
    assert study()[1] == n_fits
    assert sorted(study.folder.iterdir()) == sorted([*whole, other])


def test_d14_a_file_that_another_run_took_for_a_leftover_is_written_again(
    outcome, tmp_path, monkeypatch
):
    real, calls = os.replace, []

    def replace(part, target):
        calls.append(part)
        if len(calls) == 1:
            OutcomeStore(tmp_path).remove_leftovers()
        return real(part, target)

    monkeypatch.setattr(os, "replace", replace)
    path = OutcomeStore(tmp_path).path("key")
    write_outcome(path, outcome)
    assert len(calls) == 2
    assert list(tmp_path.iterdir()) == [path]
    assert read_outcome(path).n_lacking == 3


def test_a_signed_file_that_holds_no_outcome(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(_MAGIC + _checksum(path, b"no archive") + b"no archive")
    with pytest.raises(DamagedOutcomeError, match="does not hold the outcome"):
        read_outcome(path)
