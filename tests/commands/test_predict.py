"""The command ``predict``: every example of docs/predict.md, exit codes, bad input."""

import csv
import io
import json
import re
import runpy
import shlex
import shutil
import sys
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config

from tests.helpers import figures_detector
from tests.helpers.demo import ROOT, TINY
from tests.helpers.films import write_film
from tests.helpers.serving import serving
from tests.helpers.sources import OneEntry
from tests.helpers.tiny_figures import FILE
from vitpose_plus.checkpoints import fetching, released
from vitpose_plus.checkpoints.layouts.heads import SIX
from vitpose_plus.commands import main, predict_options
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.inference import formats, smoothing
from vitpose_plus.inference.boxes.detectors import DETECTORS
from vitpose_plus.inference.sources import Sources
from vitpose_plus.inference.sources.memory import ArrayPicture
from vitpose_plus.inference.sources.paths import FilePicture
from vitpose_plus.inference.sources.source import Entry

COMMANDS = re.findall(
    r'^(?:vitpose|mim run vitpose_plus) .+$', (ROOT / 'docs' / 'predict.md').read_text(), re.M
)
TOOLS = ROOT / 'vitpose_plus' / '.mim' / 'tools'
BOTH = ('person', 'animal')
MODEL = ['--model', TINY, '--checkpoint', str(FILE)]


def predict(*words):
    """Runs the command, and returns its exit code."""
    try:
        main(['predict', *map(str, words)])
    except SystemExit as stop:
        return stop.code
    return 0


def lines(folder='predictions', name='predictions'):
    return [json.loads(line) for line in Path(folder, f'{name}.ndjson').open()]


@pytest.fixture
def photos(figures, tmp_path, monkeypatch):
    """A working folder with ``photos/``: three pictures (two with one name) and a text."""
    monkeypatch.chdir(tmp_path)
    pictures = sorted((figures / 'coco' / 'val2017').glob('*.jpg'))
    for folder, picture in zip(('a', 'b'), pictures, strict=False):
        (tmp_path / 'photos' / folder).mkdir(parents=True)
        shutil.copy(picture, tmp_path / 'photos' / folder / 'same.jpg')
    shutil.copy(pictures[2], 'photos/street.jpg')
    Path('photos/notes.txt').write_text('no picture')
    return tmp_path


def test_a_folder_gives_one_line_per_picture_in_order(photos, capsys):
    assert predict('photos', *MODEL, '--boxes', 'whole') == 0
    assert [line['source'] for line in lines()] == [
        'photos/a/same.jpg',
        'photos/b/same.jpg',
        'photos/street.jpg',
    ]
    drawn = sorted(p.relative_to('predictions/drawn') for p in Path('predictions').rglob('*.jpg'))
    assert list(map(str, drawn)) == ['a/same.jpg', 'b/same.jpg', 'street.jpg']
    printed = capsys.readouterr().out
    assert re.search(r'^predictions: 3 pictures, 3 instances \(.* pictures/s\)$', printed, re.M)
    assert Path('predictions/errors.ndjson').read_text() == ''


def test_broken_pictures_are_listed_and_the_others_are_predicted(photos):
    Path('photos/broken.jpg').write_bytes(Path('photos/street.jpg').read_bytes()[:2000])
    Path('photos/text.png').write_text('no picture')
    assert predict('photos', *MODEL, '--boxes', 'whole', '--no-draw') == 3
    assert len(lines()) == 3
    failures = lines(name='errors')
    assert [failure['source'] for failure in failures] == ['photos/broken.jpg', 'photos/text.png']
    manifest = json.loads(Path('predictions/manifest.json').read_text())
    assert (manifest['pictures'], manifest['errors'], manifest['complete']) == (3, 2, True)
    assert not Path('predictions/drawn').exists()


def test_a_picture_on_standard_input(photos, monkeypatch):
    content = Path('photos/street.jpg').read_bytes()
    monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(content)))
    assert predict('-', *MODEL, '--boxes', 'whole', '--out', 'stdin') == 0
    assert predict('photos/street.jpg', *MODEL, '--boxes', 'whole', '--out', 'file') == 0
    assert lines('stdin')[0]['instances'] == lines('file')[0]['instances']


def test_results_in_the_folder_of_sources_are_not_read(photos):
    words = ['.', *MODEL, '--boxes', 'whole']
    assert predict(*words) == 0
    assert predict(*words) == 0
    assert len(lines()) == 3


def test_other_settings_need_force(photos, capsys):
    words = ['photos/street.jpg', *MODEL, '--boxes', 'whole']
    assert predict(*words) == 0
    before = Path('predictions/predictions.ndjson').read_bytes()
    assert predict(*words) == 0
    assert Path('predictions/predictions.ndjson').read_bytes() == before
    assert predict(*words, '--flip-test') == 2
    assert 'of other settings (flip_test: False, now True)' in capsys.readouterr().err
    assert Path('predictions/predictions.ndjson').read_bytes() == before
    assert predict(*words, '--flip-test', '--force') == 0


@dataclass(frozen=True)
class Frames(Entry):
    """A film that shows one picture three times."""

    drawn_endings = ('.mp4',)

    def count(self):
        return 3

    def pictures(self, place):
        for k in range(self.count()):
            now = dict(frame=k, time=k / 30, time_base=Fraction(1, 30))
            yield FilePicture(source='a.mp4', place=place, path=self.full, **now)


def test_tracks_have_ids_and_are_part_of_the_settings(photos, monkeypatch, capsys):
    pytest.importorskip('trackers')
    film = Sources([OneEntry(Frames('a', 'photos/street.jpg'), 0)])
    monkeypatch.setattr('vitpose_plus.inference.sources.open_sources', lambda *_, **__: film)
    words = ['a.mp4', *MODEL, '--boxes', 'whole']
    assert predict(*words, '--track') == 0
    assert [[each['id'] for each in line['instances']] for line in lines()] == [[1]] * 3
    manifest = json.loads(Path('predictions/manifest.json').read_text())
    assert manifest['settings']['track'] == dict(
        method='bytetrack', start_score=0.6, lost_seconds=1, duplicates=dict(max_oks=0.9)
    )
    assert predict(*words) == 2
    assert 'of other settings (track: {' in capsys.readouterr().err
    assert predict(*words, '--force') == 0
    assert [[each['id'] for each in line['instances']] for line in lines()] == [[None]] * 3


@dataclass(frozen=True)
class Jumping(Frames):
    """A film that shows one picture, and in the fifth frame its mirror image."""

    def count(self):
        return 10

    def pictures(self, place):
        image = cv2.imread(self.full)
        for picture in super().pictures(place):
            is_other = picture.frame == 4
            now = dict(frame=picture.frame, time=picture.time, time_base=picture.time_base)
            shown = np.ascontiguousarray(image[:, ::-1]) if is_other else image
            yield ArrayPicture(source='a.mp4', place=place, array=shown, **now)


@pytest.mark.parametrize('track', [[], ['--track']], ids=['alone', 'with --track'])
def test_two_looks_give_one_track_with_marks_of_jumps(track, photos, monkeypatch, capsys):
    if track:
        pytest.importorskip('trackers')
    film = Sources([OneEntry(Jumping('a', 'photos/street.jpg'), 0)])
    monkeypatch.setattr('vitpose_plus.inference.sources.open_sources', lambda *_, **__: film)
    words = ['a.mp4', *MODEL, '--boxes', 'refine', '--dataset', 'coco', '--no-draw', *track]
    assert predict(*words, '--smooth', '--fill', '2', '--format', 'csv', 'dlc') == 0
    found = [line['instances'][0] for line in lines()]
    assert [each['id'] for each in found] == [1] * 10
    assert all('smoothed' in each for each in found)
    marked = [each['jumps'] for each in found if 'jumps' in each]
    assert 'jumps' in found[4]
    count = sum(map(len, marked))
    manifest = json.loads(Path('predictions/manifest.json').read_text())
    assert (manifest['jumps'], manifest['frames_with_jumps']) == (count, len(marked))
    assert manifest['settings']['boxes'] == 'refine'
    assert manifest['settings']['refine']['margin'] == 0.15
    assert manifest['settings']['jumps'] == dict(share=0.1, times=6.0, one_sided=3.0)
    printed = f'Keypoints that jump against their neighbours: {count} (frames: {len(marked)}); they'
    assert printed in capsys.readouterr().out
    rows = csv.DictReader(Path('predictions/predictions.csv').read_text().splitlines())
    assert sum(row['jump'] == 'True' for row in rows) == count
    assert len(sorted(Path('predictions/dlc').rglob('*_filtered.csv'))) == 1


@pytest.mark.parametrize(
    ('package', 'words'),
    [('trackers', ['--track']), ('pyarrow.parquet', ['--format', 'csv', 'parquet'])],
)
def test_a_missing_package_is_reported_before_anything_is_read(photos, package, words, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr('vitpose_plus.inference.pose_model.Origin.load', None)
    assert predict('photos', *MODEL, *words) == 2
    assert not Path('predictions').exists()


def test_the_choices_of_format_are_the_names_of_the_formats():
    assert tuple(formats.FORMATS) == predict_options.FORMATS


def test_the_choices_of_smooth_are_the_names_of_the_smoothers():
    assert tuple(smoothing.SMOOTHERS) == predict_options.SMOOTHERS


WRONG = [
    (['missing.jpg'], r'missing\.jpg does not exist'),
    (['photos', '--dataset', 'horse'], r"'horse', which the model does not have: give one of coco"),
    (['photos', '--boxes', 'yolo'], r'yolo'),
    (['photos', '--out', 'photos/notes.txt'], r'notes\.txt is not a folder'),
    (['photos', '--score', '2'], r"'2' is not a number from 0 to 1"),
    (['photos', '--batch-size', '0'], r"'0' is neither auto nor an integer above 0"),
    (['photos', '--format', 'xml'], r"invalid choice: 'xml'"),
    (['photos', '--smooth'], r'--smooth and --fill need the ids of tracks: add --track'),
    (['photos', '--fill', '3'], r'--smooth and --fill need the ids of tracks: add --track'),
    (['photos', '--boxes', 'refine', '--detect-every', '2'], r'is for detectors, and --boxes ref'),
    (['photos', '--track', '--smooth', 'mean'], r"invalid choice: 'mean'"),
    (['photos', '--track', '--fill', '-1'], r'gap to fill, -1, is wrong: give a number of frames'),
]


@pytest.mark.parametrize(('words', 'message'), WRONG, ids=[' '.join(words) for words, _ in WRONG])
def test_bad_input_is_reported_before_anything_is_written(words, message, photos, capsys):
    before = sorted(photos.rglob('*'))
    assert predict(*MODEL, '--boxes', 'whole', *words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(message, error), error
    assert sorted(photos.rglob('*')) == before


@pytest.fixture
def folder_of_the_page(figures, tmp_path, monkeypatch):
    """A working folder with all files that the page names, and tiny files for released weights."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'torch_home'))
    annotations = figures / 'mixed' / 'annotations' / 'boxes_val.json'
    content = json.loads(annotations.read_text())
    picture = figures / 'mixed' / 'val' / content['images'][1]['file_name']
    Path('street.jpg').symlink_to(picture)
    image = cv2.resize(cv2.imread(str(picture)), (640, 480))
    write_film(Path('walk.mp4'), [number * 400 for number in range(7)], image=image)
    for folder in ('photos', 'crops'):
        Path(folder).mkdir()
        shutil.copy(picture, folder)
    for name in ('annotations.json', 'boxes.json'):
        Path(name).symlink_to(annotations)
    detections = [each | dict(score=0.9) for each in content['annotations']]
    Path('detections.json').write_text(json.dumps(detections))
    Path('boxes.csv').write_text(f'source,x1,y1,x2,y2\n{picture.name},20,20,200,300\n')
    Path('list.txt').write_text('street.jpg\n')
    Path('work_dirs/demo').mkdir(parents=True)
    Config.fromfile(find_config(TINY), format_python_code=False).dump(f'work_dirs/demo/{TINY}.py')
    Path('work_dirs/demo/best_coco_AP_epoch_1.pth').symlink_to(FILE)
    Path('work_dirs/detector').symlink_to(figures_detector.FOLDER)
    for name, entry in released.RELEASED.items():
        own = dict(config=TINY, source='vitpose_plus', datasets=SIX, sha256='', options={})
        tiny = entry._replace(**own)
        monkeypatch.setitem(released.RELEASED, name, tiny)
        store_download(entry.url, FILE)
    for name in ('rtmdet-m', 'rtmdet-m-coco'):
        tiny = replace(DETECTORS[name], config=figures_detector.CONFIG, classes=BOTH, sha256='')
        monkeypatch.setitem(DETECTORS, name, tiny)
        store_download(tiny.url, figures_detector.CHECKPOINT)
    return tmp_path


def store_download(url, file):
    """Puts a file where a store_download of the URL would be stored."""
    place = fetching.place(url)
    place.parent.mkdir(parents=True)
    place.symlink_to(file)


@pytest.mark.parametrize('command', COMMANDS)
def test_every_example_of_the_page_runs(command, folder_of_the_page, monkeypatch):
    command = command.replace('CONFIG', TINY).replace('FILE', str(FILE))
    words, _, given = command.partition(' < ')
    if given:
        content = Path(given).read_bytes()
        monkeypatch.setattr(sys, 'stdin', io.TextIOWrapper(io.BytesIO(content)))
    with serving(folder_of_the_page) as (address, _):
        program, *words = shlex.split(words.replace('https://example.org', address))
        if program == 'mim':
            script = words[words.index('run') + 2]
            monkeypatch.setattr(sys, 'argv', [f'{script}.py', *words[words.index(script) + 1 :]])
            runpy.run_path(str(TOOLS / f'{script}.py'), run_name='__main__')
        else:
            main(words)
    for line in lines(words[words.index('--out') + 1]) if '--out' in words else ():
        assert line['instances']


def test_a_device_without_enough_memory_is_reported_in_one_sentence(photos, monkeypatch, capsys):
    def load(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr('vitpose_plus.inference.pose_model.Origin.load', load)
    assert predict('photos', *MODEL, '--boxes', 'whole') == 1
    assert 'memory of the device (auto) is too small' in capsys.readouterr().err
