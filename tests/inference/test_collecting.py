"""Collections: shared by processes, interrupted and resumed, with the same records each time."""

import json
import os
import random
import re
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.helpers.demo import TINY
from tests.helpers.films import write_film
from tests.helpers.tiny_figures import FILE
from tests.helpers.trainings import Child, finished, two_processes
from tests.inference.conftest import lines_of
from vitpose_plus.commands import main
from vitpose_plus.inference import journals
from vitpose_plus.inference.batches import BatchRunner

pytestmark = pytest.mark.forks
WORDS = ['--model', TINY, '--checkpoint', str(FILE), '--boxes', 'whole', '--device', 'cpu']
WORDS += ['--track', '--smooth', '--format', 'csv', '--batch-size', '3']
TOLERANCE = 1e-3  # pixels and scores; other batches round differently


@pytest.fixture(scope='module')
def collection(figures, tmp_path_factory):
    """A working folder with ``photos/`` (pictures, one damaged) and two films, ``a`` and ``b``."""
    root = tmp_path_factory.mktemp('collection')
    pictures = sorted((figures / 'mixed' / 'val').glob('*.jpg'))
    (root / 'photos').mkdir()
    for number in range(7):
        (root / 'photos' / f'{number}.jpg').symlink_to(pictures[number % len(pictures)])
    (root / 'photos' / '3.jpg').unlink()
    (root / 'photos' / '3.jpg').write_bytes(pictures[0].read_bytes()[:500])
    image = cv2.resize(cv2.imread(str(pictures[0])), (128, 96))
    for name, frames in (('a.mp4', 9), ('b.mp4', 5)):
        write_film(root / name, [k * 400 for k in range(frames)], image=image)
    return root


@pytest.fixture
def place(collection, tmp_path, monkeypatch):
    """A working folder with the collection; returns the words of its sources."""
    monkeypatch.chdir(tmp_path)
    for path in collection.iterdir():
        Path(path.name).symlink_to(path)
    return ['a.mp4', 'photos', 'b.mp4']


@pytest.fixture(scope='module')
def expected(collection, tmp_path_factory):
    """The folder of a run that is never interrupted."""
    out = tmp_path_factory.mktemp('expected') / 'out'
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(collection)
        with pytest.raises(SystemExit, match='3'):
            main(['predict', 'a.mp4', 'photos', 'b.mp4', *WORDS, '--out', str(out)])
    return out


def predict(*words, **environment):
    return Child(lambda: main(['predict', *words, *WORDS]), **environment)


def interrupted(out, lines, number=signal.SIGKILL, part=0, sources=(), **environment):
    """Predicts until the journal has this number of lines, and part of the next one."""
    write = journals.write_line

    def write_and_stop(file, content):
        nonlocal lines
        if not lines:
            os.write(file.fileno(), json.dumps(content).encode()[:part])
            os.kill(os.getpid(), number)
        lines -= 1
        write(file, content)

    def run():
        journals.write_line = write_and_stop
        main(['predict', *sources, *WORDS, '--out', out])

    return Child(run, **environment)


def assert_as_expected(out, expected):
    """The folder has the same content as one of an uninterrupted run."""
    found, right = lines_of(out), lines_of(expected)
    where = [
        [(line['source'], line['frame'], line['time']) for line in each] for each in (found, right)
    ]
    assert where[0] == where[1]
    for line, other in zip(found, right, strict=True):
        for one, two in zip(line['instances'], other['instances'], strict=True):
            assert one.keys() == two.keys()
            assert one['id'] == two['id']
            for key in ('box', 'keypoints', 'smoothed'):
                np.testing.assert_allclose(one.get(key, 0), two.get(key, 0), atol=TOLERANCE)
    for name in ('errors.ndjson', 'drawn'):
        assert names_or_content(Path(out, name)) == names_or_content(expected / name)
    assert sorted(os.listdir(out)) == sorted(os.listdir(expected))
    assert manifest(out) == manifest(expected)


def names_or_content(path):
    return path.read_text() if path.is_file() else sorted(p.name for p in path.rglob('*'))


def manifest(out):
    content = json.loads(Path(out, 'manifest.json').read_text())
    assert content['complete'] is True
    assert content.pop('seconds') > 0
    return content


def test_the_records_of_a_collection_are_complete_and_in_order(expected):
    lines = lines_of(expected)
    photos = [f'photos/{number}.jpg' for number in range(7)]
    assert [line['source'] for line in lines] == [
        *['a.mp4'] * 9, *[name for name in photos if '3' not in name], *['b.mp4'] * 5
    ]  # fmt: skip
    [failure] = map(json.loads, (expected / 'errors.ndjson').open())
    assert failure['source'] == 'photos/3.jpg'
    assert [manifest(expected)[name] for name in ('pictures', 'errors')] == [20, 1]
    assert not (expected / 'shards').exists()


def test_two_processes_give_the_records_of_one(place, expected):
    children = [predict(*place, '--launcher', 'pytorch', **each) for each in two_processes()]
    ends = [child.end() for child in children]
    assert [code for code, _ in ends] == [3, 0], ends
    assert re.search(r'^predictions: 20 pictures, .*; failures: 1 ', ends[0][1], re.M)
    assert 'instances' not in ends[1][1]  # only the first process reports
    assert_as_expected('predictions', expected)
    children = [predict(*place, '--launcher', 'pytorch', **each) for each in two_processes()]
    assert '(predicted already, --force predicts again)' in finished(children[0], 3)
    assert finished(children[1], 0) == ''


# Lines of the journal: 9 frames of a film and its end, 7 pictures, 5 frames and an end.
@pytest.mark.parametrize(('lines', 'part'), [(4, 50), (22, 0)])
def test_a_killed_run_is_resumed(lines, part, place, expected):
    finished(interrupted('out', lines, part=part, sources=place), -signal.SIGKILL)
    assert not Path('out/predictions.ndjson').exists()
    assert json.loads(Path('out/manifest.json').read_text())['complete'] is False
    finished(predict(*place, '--out', 'out'), 3)
    assert_as_expected('out', expected)


@pytest.mark.parametrize('before', [1, 2])
def test_one_process_resumes_two_and_the_reverse(before, place, expected):
    for number, code in ((before, None), (3 - before, 3)):
        launched = ['--launcher', 'pytorch'] if number == 2 else []
        environments = two_processes() if number == 2 else [{}]
        if code is None:
            children = [
                interrupted('out', 5, sources=[*place, *launched], **each) for each in environments
            ]
            ends = [child.end() for child in children]
            lost = [printed for code, printed in ends if code != -signal.SIGKILL]
            assert not lost or 'The first process has ended' in lost[0]  # its store is lost
        else:
            children = [predict(*place, '--out', 'out', *launched, **each) for each in environments]
            assert [child.end()[0] for child in children] == [code, 0][:number]
    assert_as_expected('out', expected)


@pytest.mark.parametrize(
    ('number', 'lines', 'code'),
    [(signal.SIGINT, 11, 130), (signal.SIGTERM, 22, 143)],
    ids=['in a film', 'at the end'],
)
def test_a_signal_ends_a_run_which_is_resumed(number, lines, code, place, expected):
    printed = finished(interrupted('out', lines, number, sources=place), code)
    name = signal.Signals(number).name
    sentence = rf'stopped by {name} after (12|21) of 21 pictures .*: run the same command'
    assert re.search(sentence, printed)
    finished(predict(*place, '--out', 'out'), 3)
    assert_as_expected('out', expected)


def test_frames_of_a_film_are_not_predicted_twice(place, expected, monkeypatch):
    finished(interrupted('out', 6, sources=place), -signal.SIGKILL)
    crops = []
    run = BatchRunner.__call__
    monkeypatch.setattr(
        BatchRunner, '__call__', lambda self, inputs: crops.extend(inputs) or run(self, inputs)
    )
    with pytest.raises(SystemExit, match='3'):
        main(['predict', *place, *WORDS, '--out', 'out'])
    assert len(crops) == 20 - 6
    assert_as_expected('out', expected)


def refused(*words, capsys):
    """Runs the command, which must refuse, and returns its sentence."""
    with pytest.raises(SystemExit, match='2'):
        main(['predict', *words, *WORDS])
    return capsys.readouterr().err.strip().splitlines()[-1]


def test_a_run_with_other_settings_or_pictures_is_not_resumed(place, capsys):
    finished(interrupted('out', 4, sources=place), -signal.SIGKILL)
    assert 'of other settings (flip_test: False, now True)' in refused(
        *place, '--out', 'out', '--flip-test', capsys=capsys
    )
    Path('b.mp4').unlink()
    write_film(Path('b.mp4'), [0, 40], size_wh=(64, 48))
    message = refused(*place, '--out', 'out', capsys=capsys)
    assert 'of other pictures (some were added, removed or changed since)' in message
    assert len(list(Path('out/shards').glob('*.ndjson'))) == 1


def test_two_runs_cannot_write_into_one_folder(place, capsys):
    def wait(file, content):
        print('writing')
        time.sleep(60)

    def run():
        journals.write_line = wait
        main(['predict', *place, *WORDS, '--out', 'out'])

    child = Child(run)
    child.wait_for('writing')
    assert 'Another run is writing to out: wait until' in refused(
        *place, '--out', 'out', capsys=capsys
    )
    child.send(signal.SIGKILL)
    child.end()


def test_a_complete_run_is_repeated_only_by_force(place, capsys, monkeypatch):
    with pytest.raises(SystemExit, match='3'):
        main(['predict', 'photos', *WORDS])
    before = Path('predictions/predictions.ndjson').stat()
    with monkeypatch.context() as patch:
        patch.setattr(BatchRunner, '__call__', None)
        with pytest.raises(SystemExit, match='3'):
            main(['predict', 'photos', *WORDS])
    assert '(predicted already, --force predicts again)' in capsys.readouterr().out
    assert Path('predictions/predictions.ndjson').stat() == before
    with pytest.raises(SystemExit, match='3'):
        main(['predict', 'photos', *WORDS, '--force'])
    assert Path('predictions/predictions.ndjson').stat() != before


def test_an_error_in_the_first_process_is_the_error_of_all(place):
    Path('predictions').mkdir()
    Path('predictions/manifest.json').touch()
    children = [predict(*place, '--launcher', 'pytorch', **each) for each in two_processes()]
    for child in children:
        assert 'contains predictions without a readable manifest.json' in finished(child, 2)


def test_several_processes_refuse_standard_input(place):
    children = [predict('@-', '--launcher', 'pytorch', **each) for each in two_processes()]
    for child in children:
        assert '@- can be read by only one process: save it in a file' in finished(child, 2)


@pytest.mark.slow
def test_runs_killed_at_twenty_random_instants_are_resumed(place, expected):
    """Takes two minutes: ``pytest -m slow tests/inference/test_collecting.py``."""
    instants = random.Random(0)
    for attempt in range(20):
        children = [
            predict(*place, '--out', f'out-{attempt}', '--launcher', 'pytorch', **each)
            for each in two_processes()
        ]
        time.sleep(instants.uniform(0.2, 3))
        for child in children:
            child.send(signal.SIGKILL)
        for child in children:
            child.end()
        finished(predict(*place, '--out', f'out-{attempt}'), 3)
        assert_as_expected(f'out-{attempt}', expected)
