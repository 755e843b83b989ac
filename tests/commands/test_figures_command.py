"""``figures`` writes a complete folder or none, and never deletes files that it did not write."""

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from vitpose_plus.commands import demo, figures, main
from vitpose_plus.datasets.figures import folder
from vitpose_plus.datasets.figures.record import RECORD
from vitpose_plus.engine import runs

FEW = ['--num-train', '2', '--num-val', '1']
OTHER = [*FEW, '--seed', '1', '--force']


def contents(root):
    """By path: the digest of a file, the target of a link, False for a folder."""

    def content(path):
        if path.is_symlink():
            return os.readlink(path)
        return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest()

    return {str(path.relative_to(root)): content(path) for path in root.rglob('*')}


def fails(capsys, *argv):
    with pytest.raises(SystemExit) as stop:
        main(['figures', *map(str, argv)])
    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.fixture(scope='module')
def written(tmp_path_factory):
    """A folder with the output of the command for seed 0 and for seed 1."""
    place = tmp_path_factory.mktemp('written')
    for seed in '01':
        main(['figures', str(place / seed), *FEW, '--seed', seed])
    return place


@pytest.fixture
def root(written, tmp_path):
    """A folder of figures, in a folder that contains nothing else."""
    return shutil.copytree(written / '0', tmp_path / 'synthetic')


def test_a_complete_folder_is_written(tmp_path, capsys):
    root = tmp_path / 'new' / 'synthetic'
    main(['figures', str(root), *FEW])
    folders = {'coco', 'aic', 'mpii', 'ap10k', 'apt36k', 'mixed'}
    assert folders | {RECORD} == {path.name for path in root.iterdir()}
    assert 'Written: ' in capsys.readouterr().out
    assert [path.name for path in (tmp_path / 'new').iterdir()] == ['synthetic']


def test_the_record_lists_every_file(root):
    record = json.loads((root / RECORD).read_text())
    files = {name: digest for name, digest in contents(root).items() if digest}
    del files[RECORD]
    assert record == dict(num_train=2, num_val=1, seed=0, files=files)


def test_an_existing_folder_is_kept_without_force(tmp_path, capsys):
    (tmp_path / 'mine').write_text('precious')
    message = fails(capsys, tmp_path, *FEW)
    assert 'exists: name another folder, or replace it with --force' in message
    assert contents(tmp_path).keys() == {'mine'}


def test_a_folder_of_figures_is_replaced_with_force(root, written):
    main(['figures', str(root), *OTHER])
    assert contents(root) == contents(written / '1') != contents(written / '0')
    assert [path.name for path in root.parent.iterdir()] == ['synthetic']


def test_an_incomplete_folder_of_figures_is_replaced(root, written):
    shutil.rmtree(root / 'mpii')
    for image in (root / 'ap10k' / 'data').iterdir():
        image.unlink()
    main(['figures', str(root), *OTHER])
    assert contents(root) == contents(written / '1')


def test_an_empty_folder_is_used(tmp_path, written):
    (tmp_path / 'synthetic').mkdir()
    main(['figures', str(tmp_path / 'synthetic'), *FEW])
    assert contents(tmp_path / 'synthetic') == contents(written / '0')
    assert [path.name for path in tmp_path.iterdir()] == ['synthetic']


def add(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('precious')


def link(path):
    """Moves a written file or folder to another place, and leaves a link to it."""
    elsewhere = next(p for p in path.parents if p.name == 'synthetic').with_name('elsewhere')
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


@pytest.mark.parametrize(
    ('change', 'name'),
    [
        (add, 'notes.txt'),
        (add, 'coco/train2017/mine.jpg'),
        (add, 'mine/deeper/figures.json'),
        (add, 'coco/annotations/person_keypoints_val2017.json'),  # for example the real ones
        (Path.mkdir, 'mine'),
        (os.mkfifo, 'pipe'),
        (lambda path: path.symlink_to('/'), 'all'),
        (link, 'coco'),
        (link, 'mpii/annotations/mpii_gt_val.mat'),
    ],
)
def test_force_keeps_files_that_the_command_did_not_write(root, capsys, change, name):
    change(root / name)
    before = contents(root.parent)
    message = fails(capsys, root, *OTHER)
    assert f'{root / name} was not written with the figures' in message
    assert 'move it away, or name another folder' in message
    assert contents(root.parent) == before


@pytest.mark.parametrize(
    'record', [None, 'no json', '[]', '{"files": {}}', '{"mine": 1}', '\udcff', 'link']
)
def test_force_keeps_a_folder_without_a_record(root, capsys, record):
    (root / RECORD).rename(root.parent / 'record')
    if record == 'link':
        (root / RECORD).symlink_to('../record')
    elif record is not None:
        (root / RECORD).write_bytes(record.encode(errors='surrogateescape'))
    before = contents(root.parent)
    message = fails(capsys, root, *OTHER)
    expected = f'{root / RECORD} was not written' if record == 'link' else 'no record (figures.json'
    assert expected in message
    assert contents(root.parent) == before


@pytest.mark.parametrize('neighbour', ['synthetic.part', 'synthetic.old', '.synthetic'])
def test_folders_beside_it_are_kept(root, neighbour):
    add(root.parent / neighbour / 'mine')
    main(['figures', str(root), *OTHER])
    assert (root.parent / neighbour / 'mine').read_text() == 'precious'


def test_a_link_is_kept_and_its_target_is_written(tmp_path, written, capsys):
    link = tmp_path / 'link'
    link.symlink_to(tmp_path / 'disk' / 'synthetic')
    main(['figures', str(link), *FEW])
    assert link.is_symlink()
    assert contents(tmp_path / 'disk' / 'synthetic') == contents(written / '0')
    assert 'exists' in fails(capsys, link, *FEW)
    main(['figures', str(link), *OTHER])
    assert link.is_symlink()
    assert contents(tmp_path / 'disk' / 'synthetic') == contents(written / '1')
    add(tmp_path / 'disk' / 'synthetic' / 'mine')
    assert f'{link / "mine"} was not written' in fails(capsys, link, *OTHER)


@pytest.mark.parametrize('name', ['.', '..', '/', '../here/.'])
def test_the_working_folder_is_not_replaced(root, capsys, monkeypatch, name):
    (root.parent / 'here').mkdir()
    monkeypatch.chdir(root.parent / 'here')
    assert 'is or contains the working folder: name a folder in it' in fails(capsys, name, *OTHER)


@pytest.mark.parametrize('name', ['file', 'file/synthetic', 'x' * 300, 'loop'])
def test_a_path_that_cannot_be_a_folder_is_refused(tmp_path, capsys, name):
    (tmp_path / 'file').write_text('precious')
    (tmp_path / 'loop').symlink_to('loop')
    before = contents(tmp_path)
    message = fails(capsys, tmp_path / name, *OTHER)
    assert 'is not a folder: give another' in message or 'cannot be written' in message
    assert contents(tmp_path) == before


@pytest.mark.parametrize('option', ['num_train', 'num_val'])
@pytest.mark.parametrize('number', [0, -1, 500_001])
def test_numbers_out_of_range_are_refused(tmp_path, capsys, option, number):
    message = fails(capsys, tmp_path / 'a', *FEW, f'--{option.replace("_", "-")}', number)
    assert f'{option} is {number}: give a number from 1 to 500000' in message
    assert not list(tmp_path.iterdir())


def test_a_negative_seed_is_refused(tmp_path, capsys):
    assert 'seed is -1: give 0 or more' in fails(capsys, tmp_path / 'a', *FEW, '--seed', -1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('error', [OSError('disk full'), KeyboardInterrupt('disk full')])
def test_a_failure_changes_nothing(root, monkeypatch, error):
    def fail(new, *args, **kwargs):
        (new / 'coco').mkdir(parents=True)
        raise error

    before = contents(root.parent)
    monkeypatch.setattr(folder, 'write_datasets', fail)
    for name in ('synthetic', 'new'):
        with pytest.raises((OSError, SystemExit), match=r'disk full|130'):
            main(['figures', str(root.with_name(name)), *OTHER])
    assert contents(root.parent) == before


@pytest.mark.parametrize('failing', [1, 2])
@pytest.mark.parametrize('error', [OSError(16, 'busy'), KeyboardInterrupt()])
def test_a_failed_exchange_restores_the_old_folder(root, monkeypatch, capsys, failing, error):
    before, rename, calls = contents(root.parent), os.rename, []

    def fail(source, target):
        calls.extend([target] if root in (source, target) else [])
        if len(calls) == failing:
            raise error
        rename(source, target)

    monkeypatch.setattr(os, 'rename', fail)
    if isinstance(error, OSError):
        assert f'{root} cannot be written (busy)' in fails(capsys, root, *OTHER)
    else:
        with pytest.raises(SystemExit, match='130'):
            main(['figures', str(root), *OTHER])
    assert contents(root.parent) == before


def test_at_every_step_the_old_or_the_new_folder_is_complete(root, written, monkeypatch):
    """A killed process must leave a complete folder. So the old folder is in its place, or complete
    beside the new one, until the new one is in its place."""
    old, new = (contents(written / seed) for seed in '01')
    steps = []

    def watch(name):
        function = getattr(os, name)

        def check_and_do(*args, **kwargs):
            there = contents(root) if root.exists() else None
            if there is None:
                beside = [contents(path) for path in root.parent.glob('synthetic.replaced.*/*')]
                assert sorted(beside, key=str) == sorted([old, new], key=str)
            else:
                assert there in (old, new)
            steps.append((name, there == new))
            return function(*args, **kwargs)

        monkeypatch.setattr(os, name, check_and_do)

    for name in ('rename', 'unlink', 'rmdir'):
        watch(name)
    main(['figures', str(root), *OTHER])
    assert contents(root) == new
    assert [done for name, done in steps if name == 'rename'] == [False, False, False]
    unlinks = [done for name, done in steps if name == 'unlink']
    assert unlinks == [True] * len(list(filter(None, old.values())))


def test_a_file_that_appears_while_figures_are_written_is_kept(root, monkeypatch, capsys):
    write = folder.write_datasets
    monkeypatch.setattr(folder, 'write_datasets', lambda *a: (write(*a), add(root / 'late')))
    before = contents(root)
    assert f'{root / "late"} was not written' in fails(capsys, root, *OTHER)
    assert contents(root).keys() == before.keys() | {'late'}
    assert [path.name for path in root.parent.iterdir()] == ['synthetic']


def test_a_file_that_appears_in_the_exchange_is_kept(root, written, monkeypatch, capsys):
    exchange = folder._exchange
    monkeypatch.setattr(folder, '_exchange', lambda *a: (add(root / 'coco/late'), exchange(*a)))
    message = fails(capsys, root, *OTHER)
    assert contents(root) == contents(written / '1')
    [late] = root.parent.glob('synthetic.replaced.*/old/coco/late')
    assert f'look at {late.parents[1]}, and move it away' in message
    assert late.read_text() == 'precious'
    assert contents(late.parents[1]).keys() == {'coco', 'coco/late'}


def test_films_are_recorded_and_replaced(tmp_path, capsys, written):
    pytest.importorskip('av', reason='the extra predict')
    root = tmp_path / 'synthetic'
    main(['figures', str(root), *FEW, '--films', '1', '--seconds', '0.04'])
    names = {'films/film_000000.mp4', 'films/film_000000.json'}
    record = json.loads((root / RECORD).read_text())
    assert (record['films'], record['seconds']) == (1, 0.04)
    assert {name for name in record['files'] if name.startswith('films')} == names
    for name, content in contents(written / '0').items():
        assert contents(root)[name] == content or name == RECORD
    film = root / 'films/film_000000.mp4'
    content = film.read_bytes()
    film.write_bytes(b'changed')
    assert 'film_000000.mp4 was not written with the figures' in fails(capsys, root, *OTHER)
    film.write_bytes(content)
    main(['figures', str(root), *OTHER])
    assert contents(root) == contents(written / '1')


@pytest.mark.parametrize(
    ('argv', 'message'),
    [
        (['--films', '-1'], 'films is -1: give a number from 0 to'),
        (['--films', '1', '--seconds', '0'], 'seconds is 0.0: give more than 0 and at most'),
        (['--films', '1', '--seconds', 'nan'], 'seconds is nan: give more than 0 and at most'),
    ],
)
def test_wrong_films(tmp_path, capsys, argv, message):
    assert message in fails(capsys, tmp_path / 'new', *FEW, *argv)
    assert not list(tmp_path.iterdir())


def test_films_without_pyav(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    message = fails(capsys, tmp_path / 'new', *FEW, '--films', '1')
    assert "A film needs the package av: run pip install 'vitpose_plus[predict]'" in message
    assert not list(tmp_path.iterdir())


class Reached(Exception):
    """The demo has written its figures."""


@pytest.fixture
def start_demo(tmp_path, monkeypatch):
    """Runs the demo with few figures, up to its training."""
    generate = figures.generate

    def few(root, num_train, num_val, seed, force):
        generate(root, 2, 1, seed, force)

    def stop(*args, **kwargs):
        raise Reached

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(figures, 'generate', few)
    monkeypatch.setattr(runs, 'load_config', stop)
    return lambda: main(['demo'])


def test_the_demo_replaces_its_own_figures(start_demo, written):
    for _ in range(2):
        with pytest.raises(Reached):
            start_demo()
        assert contents(demo.FIGURES) == contents(written / '0')


def test_the_demo_keeps_files_that_it_did_not_write(start_demo, capsys):
    add(demo.FIGURES / 'mine')
    with pytest.raises(SystemExit) as stop:
        start_demo()
    assert stop.value.code == 2
    assert f'{demo.FIGURES} is not replaced' in capsys.readouterr().err
    assert contents(demo.FIGURES).keys() == {'mine'}
