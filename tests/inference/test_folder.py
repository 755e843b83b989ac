"""The folder of predictions: its content, and the files that are not replaced."""

import json
import resource
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pytest

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.files import UNFINISHED
from vitpose_plus.inference.drawing import Drawings
from vitpose_plus.inference.folder import PredictionFolder
from vitpose_plus.inference.formats import FORMATS
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.items import Failure, Item
from vitpose_plus.inference.journals import Journal
from vitpose_plus.inference.manifests import new_manifest, write_manifest
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources.paths import FilePicture
from vitpose_plus.inference.writing import write_picture

PAIR = Skeleton('pair', ('left', 'right'), ((0, 1),), (1, 0), (0.1, 0.1), (192, 256))
MODEL = dict(name='m', sha256='0' * 64)
SETTINGS = dict(sources=['a'], score=0.3, draw=True)


def opened(folder, model=MODEL, format='csv', digest='0', **settings):
    manifest = new_manifest(model, SETTINGS | settings, {'pair': PAIR}, digest)
    return PredictionFolder(folder, manifest, [FORMATS[format]()], {'pair': PAIR}, 0.3)


def result(name='a/b.png', number=1):
    keypoints = np.array([[10.123456, 20.0], [30.0, 40.0]], np.float32)
    instance = Instance('pair', np.array([5, 6, 40, 50.5]), 0.9, keypoints, np.array([0.8, 0.1]))
    return Result(
        name,
        width=64,
        height=60,
        instances=[instance] * number,
        skeletons={'pair': PAIR},
        image=np.full((60, 64, 3), 128, np.uint8),
        place=PurePosixPath(name),
    )


def write(folder, *results, force=False):
    """Writes the journal of a run with these results and failures, and finishes the folder."""
    run = folder.begin(force)
    lines = [dict(number=k, **line_of(each)) for k, each in enumerate(results)]
    text = ''.join(f'{json.dumps(line)}\n' for line in lines)
    folder.journal_path(run, 0).write_text(text)
    folder.finish(lambda results: results)


def line_of(each):
    return each._asdict() if isinstance(each, Failure) else each.to_dict()


def test_a_line_has_the_documented_fields(tmp_path):
    write(opened(tmp_path / 'out'), result(), result('c.png', number=0))
    first, second = map(json.loads, (tmp_path / 'out' / 'predictions.ndjson').open())
    assert first == dict(
        source='a/b.png',
        frame=None,
        time=None,
        width=64,
        height=60,
        instances=[
            dict(
                dataset='pair',
                id=None,
                box=[5.0, 6.0, 40.0, 50.5],
                box_score=0.9,
                keypoints=[[10.1235, 20.0, 0.8], [30.0, 40.0, 0.1]],
            )
        ],
    )
    assert second['instances'] == []
    manifest = json.loads((tmp_path / 'out' / 'manifest.json').read_text())
    assert manifest['schema_version'] == 1
    assert manifest['complete'] is True
    assert (manifest['pictures'], manifest['instances'], manifest['errors']) == (2, 1, 0)
    assert manifest['datasets']['pair'] == dict(keypoints=['left', 'right'], links=[[0, 1]])
    assert manifest['model'] == MODEL


def test_a_failure_is_written_to_its_own_file(tmp_path):
    write(opened(tmp_path), result('a.png'), Failure('x.png', None, 'x.png is broken.'))
    [failure] = map(json.loads, (tmp_path / 'errors.ndjson').open())
    assert failure == dict(source='x.png', frame=None, error='x.png is broken.')
    assert len((tmp_path / 'predictions.ndjson').read_text().splitlines()) == 1


def test_force_replaces_predictions_and_leaves_other_files(tmp_path):
    write(opened(tmp_path), result('a.png'), result('b.png'))
    (tmp_path / 'mine.txt').write_text('mine')
    (tmp_path / 'drawn').mkdir()
    (tmp_path / 'drawn' / 'a.png').touch()
    write(opened(tmp_path), result('b.png'), force=True)
    assert not (tmp_path / 'drawn').exists()
    assert len((tmp_path / 'predictions.ndjson').read_text().splitlines()) == 1
    assert (tmp_path / 'mine.txt').read_text() == 'mine'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(score=0.5), r'of other settings \(score: 0\.3, now 0\.5\): name another folder with'),
        (dict(sources=['b'] * 1000), r"of other settings \(sources: \['a'\], now .{77}\.\.\.\): "),
        (dict(model=dict(MODEL, sha256='1' * 64)), r'of another model \(sha256: '),
        (dict(digest='1'), r'of other pictures \(some were added, removed or changed since\): '),
    ],
)
def test_other_settings_are_refused_without_force(change, message, tmp_path):
    write(opened(tmp_path), result())
    before = (tmp_path / 'predictions.ndjson').read_bytes()
    with pytest.raises(UserError, match=message):
        opened(tmp_path, **change).begin(force=False)
    assert (tmp_path / 'predictions.ndjson').read_bytes() == before
    write(opened(tmp_path, **change), result('b.png'), force=True)
    assert (tmp_path / 'predictions.ndjson').read_bytes() != before


def test_unknown_files_are_refused_without_force(tmp_path):
    (tmp_path / 'predictions.csv').write_text('mine')
    with pytest.raises(UserError, match=r'without a readable manifest\.json that states'):
        opened(tmp_path).begin(force=False)
    (tmp_path / 'manifest.json').write_text('not json')
    with pytest.raises(UserError, match=r'without a readable manifest\.json that states'):
        opened(tmp_path).begin(force=False)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['manifest.json', 'predictions.csv']


def test_a_path_that_is_not_a_folder_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match=r'file is not a folder: give another name with --out'):
        opened(tmp_path / 'file').begin(force=False)
    with pytest.raises(UserError, match=r'cannot be written, as .*file is no folder'):
        opened(tmp_path / 'file' / 'out').begin(force=False)


@contextmanager
def full_disk(size):
    """A limit on the size of files replaces a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        with pytest.raises(RunError) as stop:
            yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    message = str(stop.value)
    assert 'cannot be written (File too large): free disk space, and run the same' in message


def test_no_partial_line_stays_when_the_disk_is_full(tmp_path):
    path = tmp_path / 'journal'
    first, second = (Item(FilePicture(n, None, path=n), []) for n in ('a.png', 'b.png'))
    for item in (first, second):
        item.is_new, item.image = True, np.zeros((9, 9, 3), np.uint8)
    with Journal(path, {}, lambda item: None) as journal:
        list(journal.record([first]))
        before = path.read_bytes()
        with full_disk(len(before) + 20):
            list(journal.record([second]))
    assert path.read_bytes() == before


def test_no_partial_picture_stays_when_the_disk_is_full(tmp_path):
    with Drawings(tmp_path, score=0.3) as drawings:
        drawings.add(result('a/b.png'))
        with full_disk(1000):
            drawings.add(result('b.bmp'))
    assert cv2.imread(str(tmp_path / 'a' / 'b.png')).shape == (60, 64, 3)
    assert sorted(path.name for path in tmp_path.rglob('*')) == ['a', 'b.png']


def test_two_processes_can_write_the_same_picture_at_the_same_time(tmp_path, monkeypatch):
    path, image, replace = tmp_path / 'a.png', np.zeros((9, 9, 3), np.uint8), Path.replace

    def replace_after_another(new, target):
        monkeypatch.setattr(Path, 'replace', replace)
        write_picture(target, image)
        return new.replace(target)

    monkeypatch.setattr(Path, 'replace', replace_after_another)
    write_picture(path, image)
    assert list(tmp_path.iterdir()) == [path]


def test_unfinished_files_of_a_killed_run_are_removed(tmp_path):
    (tmp_path / 'drawn').mkdir()
    left = [tmp_path / f'.predictions.csv{UNFINISHED}x', tmp_path / 'drawn' / f'.a{UNFINISHED}y']
    for folder in left:
        folder.mkdir()
        (folder / 'part').touch()
    folder = opened(tmp_path)
    write_manifest(tmp_path, folder.manifest)
    write(folder, result())
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        'drawn', 'errors.ndjson', 'manifest.json', 'predictions.csv', 'predictions.ndjson'
    ]  # fmt: skip
    assert not any((tmp_path / 'drawn').iterdir())


def test_a_run_that_was_killed_before_its_manifest_is_written_is_resumed(tmp_path):
    (tmp_path / 'shards').mkdir()
    (tmp_path / 'shards' / 'lock').touch()
    write(opened(tmp_path), result())
    assert len((tmp_path / 'predictions.ndjson').read_text().splitlines()) == 1


def test_the_end_of_a_run_leaves_the_journals_of_the_next_run(tmp_path, monkeypatch):
    first, second = opened(tmp_path), opened(tmp_path)
    release = first._lock.release

    def release_and_begin():
        release()
        second.journal_path(second.begin(force=True), 0).touch()

    monkeypatch.setattr(first._lock, 'release', release_and_begin)
    write(first, result())
    assert second.journal_path(1, 0).exists()
    with pytest.raises(UserError, match='Another run is writing to'):
        opened(tmp_path).begin(force=True)


def test_the_formats_are_written_again_if_a_run_was_killed_in_between(tmp_path):
    folder = opened(tmp_path, format='dlc')
    write_manifest(tmp_path, folder.manifest)
    (tmp_path / 'dlc').mkdir()
    write(folder, result())
    assert (tmp_path / 'dlc' / 'pair' / 'pictures.csv').is_file()
