"""A file is the old one or the new one."""

import os
import sys

import pytest

from skwater._atomic_write import write_atomically


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    return path


def test_replaces_and_leaves_nothing_else(path):
    other = path.with_name(f"{path.name}.{'0' * 32}.part")
    keep = path.with_name("file.2.part")
    for file in other, keep:
        file.write_bytes(b"half")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert sorted(path.parent.iterdir()) == sorted([path, keep])


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_full_disk_leaves_the_old_file(path, monkeypatch, function):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, function, fail)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(path.parent.iterdir()) == [path]


def test_write_that_another_one_took_for_a_leftover(path, monkeypatch):
    replace, removed = os.replace, []

    def remove_once(part, target):
        if not removed:
            removed.append(part)
            os.unlink(part)
        replace(part, target)

    monkeypatch.setattr(os, "replace", remove_once)
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_link_stays_a_link(path, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(path)
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert path.read_bytes() == b"new"


def test_no_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        write_atomically(tmp_path / "a" / "b", b"new")
    with pytest.raises(IsADirectoryError, match="Name a file in it"):
        write_atomically(tmp_path, b"new")
