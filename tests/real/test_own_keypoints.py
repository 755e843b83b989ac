"""Labels of real mice to poses, by the commands of docs/own_keypoints.md, with the issue's bars.

    pytest -m 'real and slow' -s tests/real/test_own_keypoints.py

needs VITPOSE_OWN_KEYPOINTS and VITPOSE_VIDEOS, takes 40 minutes on two cores, and prints the rows
of the page's table. The minutes are those of this machine, so they have no bound here.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from scipy import ndimage

from tests.commands.test_own_keypoints import COMMANDS
from tests.helpers.demo import ROOT
from tests.helpers.processes import run
from tests.helpers.tiny_figures import FILE
from vitpose_plus import PosePredictor
from vitpose_plus.datasets.labels import read_labels
from vitpose_plus.inference.sources import Selection

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(3000)]
START = ['--pretrained', str(FILE), '--expert', 'ap10k']
DARK = 45  # grey values of the mouse are lower; checked by eye on six frames
NEAR = 10  # pixels
EVERY = 36  # frames


def folder_in(variable):
    if variable not in os.environ:
        pytest.skip(f'{variable} names no folder')
    return Path(os.environ[variable])


def call(folder, words):
    """Runs a command with all cores, and returns its minutes."""
    start = time.monotonic()
    program = [sys.executable, '-m', 'vitpose_plus', *words]
    run(*program, cwd=folder, env={**os.environ, 'PYTHONPATH': str(ROOT)})
    return (time.monotonic() - start) / 60


def held_out(name):
    return [
        '--held-out',
        str(folder_in('VITPOSE_OWN_KEYPOINTS').absolute() / name / 'held_out.txt'),
    ]


def trained(folder, name, *words):
    """The report of a training, by two commands, and their minutes."""
    data = folder_in('VITPOSE_OWN_KEYPOINTS').absolute() / name
    minutes = call(folder, ['new-dataset', 'mouse', str(data), *words, *held_out(name)])
    minutes += call(folder, ['train', 'mouse'])
    return report_of(folder, 'mouse'), minutes


def report_of(folder, name):
    return json.loads((folder / 'work_dirs' / name / 'report.json').read_text())


def row(title, errors, minutes):
    print(
        f'\n| {title} | {minutes:.1f} | {errors["mean_px"]:.2f} | {errors["median_px"]:.2f} | '
        f'{errors["rmse_px"]:.2f} | {errors["pck_5px"]:.2f} | {errors["pck_10px"]:.2f} |'
    )


@pytest.fixture(scope='module')
def page(tmp_path_factory):
    """The folder in which all commands of the page have run on mice, and their minutes."""
    folder = tmp_path_factory.mktemp('page')
    data = folder_in('VITPOSE_OWN_KEYPOINTS').absolute() / 'openfield_mouse'
    picture = next(data.rglob('*.png'))
    (folder / 'labels').symlink_to(data)
    (folder / 'film.mp4').symlink_to(folder_in('VITPOSE_VIDEOS').absolute() / 'openfield_mouse.mp4')
    (folder / 'start.pth').symlink_to(FILE)
    (folder / 'new').mkdir()
    shutil.copy(picture, folder / 'new')
    (folder / 'boxes.csv').write_text(f'source,x1,y1,x2,y2\n{picture.name},0,150,250,400\n')
    minutes = {}
    for words in COMMANDS:
        more = held_out('openfield_mouse') if words[0] == 'new-dataset' else []
        minutes[tuple(words[:2])] = call(folder, [*words, *more])
    return folder, minutes


def test_openfield_with_boxes(page):
    folder, minutes = page
    errors = report_of(folder, 'mouse_crops')['splits']['held_out']['overall']
    took = minutes['new-dataset', 'mouse_crops'] + minutes['train', 'mouse_crops']
    row('A: points, figures', errors, took)
    assert errors['mean_px'] <= 3.0
    assert errors['pck_10px'] >= 0.97


def test_openfield_with_boxes_from_random_weights(tmp_path):
    report, minutes = trained(tmp_path, 'openfield_mouse', '--boxes', 'points')
    errors = report['splits']['held_out']['overall']
    row('B: points, random', errors, minutes)
    assert errors['mean_px'] <= 3.0
    assert errors['pck_10px'] >= 0.97


def test_openfield_without_boxes(page):
    folder, minutes = page
    splits = report_of(folder, 'mouse')['splits']
    errors, first = (splits[key]['overall'] for key in ('held_out', 'held_out_first_look'))
    took = minutes['new-dataset', 'mouse'] + minutes['train', 'mouse']
    row('C: refine, random', errors, took)
    row('C: first look', first, took)
    print(f'\nthe film: {minutes["predict", "film.mp4"]:.1f} minutes')
    assert errors['mean_px'] <= 3.3
    assert errors['pck_10px'] >= 0.95
    assert first['mean_px'] <= 10


def test_openfield_film(page):
    """The keypoints are on the mouse: the largest connected dark region of the frame."""
    film = page[0] / 'film.mp4'
    predictor = PosePredictor(page[0] / 'work_dirs' / 'mouse')
    found = {r.frame: r for r in predictor(str(film), frames=Selection(every=EVERY))}
    distances = []
    with av.open(str(film)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in found:
                [points] = found[number].keypoints
                distances += distance_to_mouse(frame.to_ndarray(format='bgr24'), points).tolist()
    near = np.mean(np.array(distances) <= NEAR)
    start = time.monotonic()
    number = sum(1 for _ in predictor(str(film), frames=Selection(stop=10.0)))
    milliseconds = 1000 * (time.monotonic() - start) / number
    print(
        f'\n| D: {len(distances)} points on the mouse: {near:.3f}; {milliseconds:.0f} ms a frame |'
    )
    assert near >= 0.98


def distance_to_mouse(image, points):
    """The distances (K,) of points to the largest dark region, in pixels."""
    regions, number = ndimage.label(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) < DARK)
    largest = 1 + np.argmax(ndimage.sum_labels(regions > 0, regions, range(1, number + 1)))
    outside = ndimage.distance_transform_edt(regions != largest)
    x, y = np.clip(np.round(points).astype(int), 0, np.array(image.shape[1::-1]) - 1).T
    return outside[y, x]


def test_mirror_mouse(tmp_path):
    report, minutes = trained(tmp_path, 'mirror_mouse', '--boxes', 'whole', '--no-flip', *START)
    errors = report['splits']['held_out']['overall']
    row('E: whole, figures', errors, minutes)
    assert errors['median_px'] <= 5.0
    assert errors['pck_10px'] >= 0.82


def test_suggested_frames_of_the_film_are_added(page):
    folder = page[0]
    words = ['--model', 'work_dirs/mouse', '--labelled', 'mouse', '--every', '5', '--count', '20']
    minutes = call(folder, ['suggest', 'film.mp4', *words, '--out', 'next'])
    pictures = read_labels([folder / 'next']).pictures
    distances = [
        distance_to_mouse(cv2.imread(str(picture.path)), one.points[one.labelled, :2])
        for picture in pictures
        for one in picture.instances
    ]
    near = np.mean(np.concatenate(distances) <= NEAR)
    numbers = sorted(int(picture.path.stem.split('_')[-1]) for picture in pictures)
    print(f'\n| F: suggest: {minutes:.1f} minutes; on the mouse: {near:.3f}; frames: {numbers} |')
    assert len(set(numbers)) == 20
    held_out = ('held_out.txt', 'annotations/val.json')
    before = [(folder / 'mouse' / name).read_bytes() for name in held_out]
    images = images_of(folder)
    call(folder, ['new-dataset', 'mouse', '--add', 'next'])
    assert [(folder / 'mouse' / name).read_bytes() for name in held_out] == before
    assert len(images_of(folder)) == len(images) + 20


def images_of(folder):
    return json.loads((folder / 'mouse' / 'annotations' / 'train.json').read_text())['images']
