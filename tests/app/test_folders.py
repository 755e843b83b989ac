"""Old files are deleted: after some time, after an error, and at the end."""

import os
import time

import pytest

from vitpose_plus.app.folders import EXAMPLES, Folders
from vitpose_plus.errors import UserError


@pytest.fixture
def folders():
    folders = Folders(megabytes=0.1)
    yield folders
    folders.close()


def age(path, seconds=7200):
    os.utime(path, (time.time() - seconds,) * 2)


def test_everything_old_is_deleted_but_not_what_is_in_use(folders):
    upload, part, empty = (folders.root / name for name in ('abc/b.jpg', 'tmpx', 'empty'))
    example = folders.root / EXAMPLES / 'a.png'
    for path in upload.parent, example.parent, empty:
        path.mkdir()
    for path in upload, part, example:
        path.touch()
    with folders.new() as answer, folders.new() as kept:
        (answer / 'a.txt').touch()
        for path in folders.root.rglob('*'):
            age(path)
        folders.remove_old()  # predictions that take longer than the lifetime
        assert set(folders.root.iterdir()) == {answer, kept, example.parent}
        (answer / 'b.txt').touch()
    folders.remove_old()
    assert {answer, kept} < set(folders.root.iterdir())  # their age begins now
    for path in answer, kept, answer / 'a.txt':
        age(path)
    folders.remove_old()
    assert set(folders.root.iterdir()) == {answer, example.parent}  # b.txt is new


def test_old_files_are_deleted_without_a_request():
    folders = Folders(megabytes=1, lifetime=0.05)
    (folders.root / 'tmpx').touch()
    end = time.monotonic() + 5
    while (folders.root / 'tmpx').exists() and time.monotonic() < end:
        time.sleep(0.01)
    assert list(folders.root.iterdir()) == []
    folders.close()
    assert not folders.root.exists()


def test_a_folder_is_deleted_after_an_error(folders):
    with pytest.raises(ZeroDivisionError), folders.new() as folder:
        raise ZeroDivisionError
    assert not folder.exists()


def test_the_size_of_all_files_is_limited(folders):
    (folders.root / 'abc').mkdir()
    (folders.root / 'abc' / 'b.jpg').write_bytes(bytes(80_000))
    folders.check_space(5000)
    with pytest.raises(UserError, match=r'^The page has stored 0\.1 megabytes .* limit: wait'):
        folders.check_space(20_001)
    (folders.root / 'tmpx').write_bytes(bytes(20_001))
    with pytest.raises(UserError, match='limit: wait'), folders.new():
        pass


def test_all_files_are_deleted_at_the_end(folders):
    with folders.new() as folder:
        (folder / 'a.txt').touch()
    folders._temporary._finalizer()  # runs at the end of the process
    assert not folder.exists()
