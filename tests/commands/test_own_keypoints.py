"""The page docs/own_keypoints.md: every command runs on figures, in the order of the page."""

import csv
import json
import re
import shlex
import shutil
from pathlib import Path

import cv2
import pytest

from tests.helpers.demo import ROOT
from tests.helpers.films import write_film
from tests.helpers.tiny_figures import FILE
from tests.helpers.trainings import Child
from vitpose_plus.commands import main, new_dataset
from vitpose_plus.experiments.new_dataset import sizing
from vitpose_plus.experiments.new_dataset.sizing import Machine, Sized

PAGE = ROOT / 'docs' / 'own_keypoints.md'
COMMANDS = [shlex.split(line) for line in re.findall('^vitpose (.+)$', PAGE.read_text(), re.M)]
SMALL = dict(epochs=1, repeats=1, input_hw=(96, 128), batch_size=2)
NAMES = ('left_eye', 'right_eye', 'nose', 'neck')  # AP-10K's first keypoints


@pytest.fixture
def folder_of_the_page(figures, tmp_path, monkeypatch):
    """A working folder with labels of single animals, a film, new pictures and initial weights."""
    monkeypatch.chdir(tmp_path)
    Path('labels').mkdir()
    Path('new').mkdir()
    data = json.loads((figures / 'ap10k/annotations/ap10k-train-split1.json').read_text())
    seen = [one['image_id'] for one in data['annotations']]
    single = {
        one['image_id']: one for one in data['annotations'] if seen.count(one['image_id']) == 1
    }
    rows = []
    for image in data['images']:
        if image['id'] in single:
            shutil.copy(figures / 'ap10k/data' / image['file_name'], 'labels')
            points = single[image['id']]['keypoints']
            for number, name in enumerate(NAMES):
                x, y, visibility = points[3 * number : 3 * number + 3]
                rows += [(image['file_name'], name, x, y)] if visibility else []
    with open('labels/points.csv', 'w', newline='') as file:
        csv.writer(file).writerows([('picture', 'keypoint', 'x', 'y'), *rows])
    picture = next(Path('labels').glob('*.jpg'))
    shutil.copy(picture, 'new')
    image = cv2.resize(cv2.imread(str(picture)), (320, 240))
    write_film(Path('film.mp4'), [number * 40 for number in range(5)], image=image)
    Path('boxes.csv').write_text(f'source,x1,y1,x2,y2\n{picture.name},20,20,200,150\n')
    Path('start.pth').symlink_to(FILE)
    given = sizing.size_training
    changed = {key: Sized(value, 'for the test') for key, value in SMALL.items()}
    monkeypatch.setattr(sizing, 'size_training', lambda *words: given(*words) | changed)
    monkeypatch.setattr(new_dataset, 'machine', lambda: Machine(cores=1))


def predicted():
    """The tables of the page's first film."""
    return list(Path('predictions/dlc').rglob('film*.csv'))


@pytest.mark.forks
def test_every_command_of_the_page_runs(folder_of_the_page):
    assert [words[0] for words in COMMANDS[:3]] == ['new-dataset', 'train', 'predict']
    for number, words in enumerate(COMMANDS):
        code, output = Child(lambda words=words: main(words)).end()
        assert code == 0, f'vitpose {shlex.join(words)}: {output}'
        if number == 2:
            [table] = predicted()
            assert len(table.read_text().splitlines()) == 3 + 5  # a header, and the frames
            report = json.loads(Path('work_dirs/mouse/report.json').read_text())
            assert set(report['splits']) == {'held_out', 'held_out_first_look', 'train'}
    assert Path('work_dirs/mouse/best.pth').is_file()
    assert Path('with_boxes/predictions.csv').is_file()


def test_the_page_has_at_most_100_lines():
    assert len(PAGE.read_text().splitlines()) <= 100
