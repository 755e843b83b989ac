"""Files and folders are replaced in one step: at every moment there is a complete one."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.processes import environment
from vitpose_plus import files
from vitpose_plus.errors import UserError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize('name', ['old', 'new', 'w.pth'])
def test_an_existing_file_of_any_name_is_replaced(name, tmp_path):
    for text in ('first', 'second'):
        with files.replacing(tmp_path / name) as part:
            assert part.suffix == (tmp_path / name).suffix
            part.write_text(text)
        assert (tmp_path / name).read_text() == text
    assert names(tmp_path) == [name]


def test_a_failure_keeps_the_old_file(tmp_path):
    path = tmp_path / 'w.pth'
    path.write_text('precious')

    def fail():
        with files.replacing(path) as part:
            part.write_text('half')
            raise RuntimeError('the disk is full')

    with pytest.raises(RuntimeError, match='the disk is full'):
        fail()
    assert path.read_text() == 'precious'
    assert names(tmp_path) == ['w.pth']


def test_a_symbolic_link_is_kept_and_its_target_is_replaced(tmp_path):
    (tmp_path / 'disk').mkdir()
    target, link = tmp_path / 'disk' / 'w.pth', tmp_path / 'link.pth'
    target.write_text('old')
    link.symlink_to(target)
    with files.replacing(link) as part:
        part.write_text('new')
    assert link.is_symlink()
    assert target.read_text() == link.read_text() == 'new'
    assert names(tmp_path / 'disk') == ['w.pth']


def test_the_new_file_is_flushed_to_disk_before_it_replaces_the_old_one(tmp_path, monkeypatch):
    path, steps = tmp_path / 'w.pth', []
    path.write_text('old')
    fsync, replace = os.fsync, os.replace

    def flush(descriptor):
        steps.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def exchange(new, old):
        steps.append('replaced')
        assert path.read_text() == 'old'
        replace(new, old)

    monkeypatch.setattr(os, 'fsync', flush)
    monkeypatch.setattr(os, 'replace', exchange)
    with files.replacing(path) as part:
        part.write_text('new')
    assert steps == [path.stat().st_ino, 'replaced', tmp_path.stat().st_ino]


# An empty package, because the import of the real one loads OpenMMLab's packages.
WRITER = f"""
import sys, types
sys.modules['vitpose_plus'] = types.ModuleType('vitpose_plus')
sys.modules['vitpose_plus'].__path__ = [{str(Path(files.__file__).parent)!r}]
from itertools import count
from vitpose_plus.files import replacing
for number in count():
    with replacing(sys.argv[1]) as part:
        part.write_text(f'{{number}} ' * 20_000)
    print(number, flush=True)
"""


def test_a_killed_process_leaves_a_complete_file(tmp_path):
    path = tmp_path / 'w.txt'
    for kill in range(10):
        child = subprocess.Popen(
            [sys.executable, '-c', WRITER, path], env=environment(), stdout=subprocess.PIPE
        )
        child.stdout.readline()
        time.sleep(0.003 * kill)
        child.kill()
        child.wait()
        words = path.read_text().split()
        assert len(words) == 20_000
        assert len(set(words)) == 1


def test_a_new_folder_appears_only_when_it_is_complete(tmp_path):
    with files.new_folder(tmp_path / 'deep' / 'folder') as part:
        (part / 'file').write_text('text')
        assert not (tmp_path / 'deep' / 'folder').exists()
    assert (tmp_path / 'deep' / 'folder' / 'file').read_text() == 'text'
    assert names(tmp_path / 'deep') == ['folder']

    def fail():
        with files.new_folder(tmp_path / 'other') as part:
            (part / 'file').write_text('half')
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert names(tmp_path) == ['deep']


@pytest.mark.parametrize('kind', ['folder', 'file', 'link'])
def test_a_new_folder_replaces_nothing(kind, tmp_path):
    place = tmp_path / 'there'
    make = dict(folder=place.mkdir, file=place.touch, link=lambda: place.symlink_to('nowhere'))
    make[kind]()
    with (
        pytest.raises(UserError, match='there exists: give another name'),
        files.new_folder(place),
    ):
        raise AssertionError('something could be written')
    assert names(tmp_path) == ['there']


@pytest.mark.parametrize('name', ['file/below', 'x' * 300])
def test_an_impossible_path_is_reported_in_one_sentence(name, tmp_path):
    (tmp_path / 'file').touch()
    with (
        pytest.raises(UserError, match=r'cannot be written \(.+\): choose another place'),
        files.replacing(tmp_path / name),
    ):
        raise AssertionError('something could be written')
    assert names(tmp_path) == ['file']


@pytest.mark.skipif(not hasattr(os, 'mkfifo'), reason='Windows has no named pipes')
def test_a_pipe_or_device_is_not_replaced(tmp_path):
    """For example /dev/null: a rename would replace it by a file for all programs."""
    pipe = tmp_path / 'pipe'
    os.mkfifo(pipe)
    for write in (files.check_output, lambda path: files.replacing(path).__enter__()):
        with pytest.raises(UserError, match=r'pipe is a pipe or a device: give the name of a file'):
            write(pipe)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_name_that_is_too_long_is_reported_in_one_sentence(tmp_path):
    with pytest.raises(UserError, match=r'cannot be written, as nothing can have this name'):
        files.check_output(tmp_path / ('x' * 300))
    assert 'nothing can have this name' in files.unwritable(tmp_path / ('x' * 300))


def test_a_folder_that_is_replaced_has_its_final_name_already(tmp_path):
    for content in ('first', 'second'):
        with files.replacing_folder(tmp_path / 'folder') as new:
            assert new.name == 'folder'
            (new / 'file').write_text(content)
        assert (tmp_path / 'folder' / 'file').read_text() == content
    assert names(tmp_path) == ['folder']
