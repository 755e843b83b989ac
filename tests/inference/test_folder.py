"""The folder of predictions: its content, and the files that are not replaced."""

import errno
import json
import resource
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pytest

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.files import UNFINISHED
from vitpose_plus.inference import drawing
from vitpose_plus.inference.folder import PredictionFolder
from vitpose_plus.inference.prediction import Failure
from vitpose_plus.inference.results import Instance, Result

PAIR = Skeleton('pair', ('left', 'right'), ((0, 1),), (1, 0), (0.1, 0.1), (192, 256))
MODEL = dict(name='m', sha256='0' * 64)
SETTINGS = dict(sources=['a'], score=0.3, draw=True)


def opened(folder, model=MODEL, force=False, **settings):
    return PredictionFolder(
        folder, model, SETTINGS | settings, ['ndjson', 'csv'], {'pair': PAIR}, force
    )


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


def write(folder, *results):
    with folder:
        for each in results:
            folder.add(each)
        folder.finish()


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
    assert cv2.imread(str(tmp_path / 'out' / 'drawn' / 'a' / 'b.png')).shape == (60, 64, 3)
    manifest = json.loads((tmp_path / 'out' / 'manifest.json').read_text())
    assert manifest['schema_version'] == 1
    assert manifest['complete'] is True
    assert (manifest['pictures'], manifest['instances'], manifest['errors']) == (2, 1, 0)
    assert manifest['datasets']['pair'] == dict(keypoints=['left', 'right'], links=[[0, 1]])
    assert manifest['model'] == MODEL


def test_the_files_of_a_stopped_run_are_valid_and_not_complete(tmp_path):
    with opened(tmp_path) as folder:  # finish is not called
        folder.add(result())
        folder.add_failure(Failure('x.png', None, 'x.png is broken.'))
    [line] = map(json.loads, (tmp_path / 'predictions.ndjson').open())
    assert line['source'] == 'a/b.png'
    [failure] = map(json.loads, (tmp_path / 'errors.ndjson').open())
    assert failure == dict(source='x.png', frame=None, error='x.png is broken.')
    assert json.loads((tmp_path / 'manifest.json').read_text())['complete'] is False
    assert not (tmp_path / 'predictions.csv').exists()


def test_predictions_of_the_same_settings_are_replaced(tmp_path):
    write(opened(tmp_path), result('a.png'), result('b.png'))
    (tmp_path / 'mine.txt').write_text('mine')
    write(opened(tmp_path), result('b.png'))
    assert sorted(path.name for path in (tmp_path / 'drawn').iterdir()) == ['b.png']
    assert len((tmp_path / 'predictions.ndjson').read_text().splitlines()) == 1
    assert (tmp_path / 'mine.txt').read_text() == 'mine'


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(score=0.5), r'of other settings \(score: 0\.3, now 0\.5\): name another folder with'),
        (dict(sources=['b'] * 1000), r"of other settings \(sources: \['a'\], now .{77}\.\.\.\): "),
        (dict(model=dict(MODEL, sha256='1' * 64)), r'of another model \(sha256: '),
    ],
)
def test_other_settings_are_refused_without_force(change, message, tmp_path):
    write(opened(tmp_path), result())
    before = (tmp_path / 'predictions.ndjson').read_bytes()
    with pytest.raises(UserError, match=message):
        opened(tmp_path, **change)
    assert (tmp_path / 'predictions.ndjson').read_bytes() == before
    write(opened(tmp_path, **change, force=True), result('b.png'))
    assert not (tmp_path / 'drawn' / 'a').exists()


def test_unknown_files_are_refused_without_force(tmp_path):
    (tmp_path / 'predictions.csv').write_text('mine')
    with pytest.raises(UserError, match=r'without a readable manifest\.json that states'):
        opened(tmp_path)
    (tmp_path / 'manifest.json').write_text('not json')
    with pytest.raises(UserError, match=r'without a readable manifest\.json that states'):
        opened(tmp_path)


def test_a_format_can_be_named_twice(tmp_path):
    write(PredictionFolder(tmp_path, MODEL, SETTINGS, ['dlc', 'dlc'], {'pair': PAIR}), result())
    assert (tmp_path / 'dlc' / 'pair' / 'pictures.csv').is_file()


def test_a_path_that_is_not_a_folder_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match=r'file is not a folder: give another name with --out'):
        opened(tmp_path / 'file')
    with pytest.raises(UserError, match=r'cannot be written, as .*file is no folder'):
        opened(tmp_path / 'file' / 'out')


def test_a_full_disk_raises_one_sentence_and_earlier_lines_stay(tmp_path, monkeypatch):
    def full(path, image):
        raise OSError(errno.ENOSPC, 'No space left on device', str(path))

    with opened(tmp_path) as folder:
        folder.add(result('a.png'))
        monkeypatch.setattr(drawing, 'write_picture', full)
        with pytest.raises(RunError) as stop:
            folder.add(result('b.png'))
    message = str(stop.value)
    assert message.startswith(f'{tmp_path}/drawn/b.png cannot be written (No space left on device)')
    assert message.endswith('free disk space or give another --out, and run the command again.')
    lines = Path(tmp_path, 'predictions.ndjson').read_text().splitlines()
    assert [json.loads(line)['source'] for line in lines] == ['a.png']


@pytest.mark.parametrize('draw', [True, False])
def test_no_partial_content_stays_when_the_disk_is_full(draw, tmp_path):
    """A limit on the size of files replaces a full disk."""
    with opened(tmp_path, draw=draw) as folder:
        folder.add(result('a.bmp', number=50))
        before = (tmp_path / 'predictions.ndjson').read_bytes()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, hard))
        try:
            with pytest.raises(RunError, match='File too large'):
                folder.add(result('b.bmp', number=50))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (tmp_path / 'predictions.ndjson').read_bytes() == before
    assert not (tmp_path / 'drawn' / 'b.bmp').exists()


def test_unfinished_files_of_a_killed_run_are_removed(tmp_path):
    left = tmp_path / f'.predictions.csv{UNFINISHED}x'
    left.mkdir()
    (left / 'predictions.csv').touch()
    write(opened(tmp_path), result())
    assert not left.exists()
