"""Folders of answers are deleted: after some time, after an error, and at the end."""

import time

import pytest

from vitpose_plus.app.folders import Folders


def wait(is_true):
    for _ in range(200):
        if is_true():
            return True
        time.sleep(0.01)
    return False


def test_old_folders_are_deleted_without_a_new_request():
    folders = Folders(lifetime=0.1)
    with folders.new() as first:
        (first / 'a.txt').touch()
        time.sleep(0.15)  # a prediction that takes longer than the lifetime
        assert first.exists()
    with folders.new() as second:
        pass
    assert first != second
    assert first.exists()
    assert wait(lambda: not first.exists() and not second.exists())
    with folders.new() as third:
        pass
    assert wait(lambda: not third.exists())
    folders.close()
    assert not folders.root.exists()


def test_a_folder_is_deleted_after_an_error():
    folders = Folders()
    with pytest.raises(ZeroDivisionError), folders.new() as folder:
        raise ZeroDivisionError
    assert not folder.exists()
    folders.close()


def test_all_folders_are_deleted_at_the_end():
    folders = Folders()
    with folders.new() as folder:
        (folder / 'a.txt').touch()
    folders._temporary._finalizer()  # runs at the end of the process
    assert not folder.exists()
    folders._timer.cancel()
