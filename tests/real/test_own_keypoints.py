"""Labels of real mice to poses, by the commands of docs/own_keypoints.md, with the issue's bars.

    pytest -m 'real and slow' -s tests/real/test_own_keypoints.py

needs VITPOSE_OWN_KEYPOINTS and VITPOSE_VIDEOS, takes 40 minutes on two cores, and prints the rows
of the page's table. The minutes are those of this machine, so they have no bound here.
"""

import json
import os
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from scipy import ndimage

from tests.helpers.demo import ROOT
from tests.helpers.processes import run
from tests.helpers.tiny_figures import FILE
from vitpose_plus import PosePredictor
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


def trained(tmp_path, name, *words):
    """The report of a training, by two commands, and their minutes."""
    data = folder_in('VITPOSE_OWN_KEYPOINTS').absolute() / name
    start = time.monotonic()
    held_out = ['--held-out', str(data / 'held_out.txt')]
    for command in (['new-dataset', 'mouse', str(data), *held_out, *words], ['train', 'mouse']):
        program = [sys.executable, '-m', 'vitpose_plus', *command]
        run(*program, cwd=tmp_path, env={**os.environ, 'PYTHONPATH': str(ROOT)})
    minutes = (time.monotonic() - start) / 60
    return json.loads((tmp_path / 'work_dirs/mouse/report.json').read_text()), minutes


def row(title, errors, minutes):
    print(
        f'\n| {title} | {minutes:.1f} | {errors["mean_px"]:.2f} | {errors["median_px"]:.2f} | '
        f'{errors["rmse_px"]:.2f} | {errors["pck_5px"]:.2f} | {errors["pck_10px"]:.2f} |'
    )


@pytest.mark.parametrize(
    ('title', 'words'), [('A: points, figures', START), ('B: points, random', [])]
)
def test_openfield_with_boxes(title, words, tmp_path):
    report, minutes = trained(tmp_path, 'openfield_mouse', '--boxes', 'points', *words)
    errors = report['splits']['held_out']['overall']
    row(title, errors, minutes)
    assert errors['mean_px'] <= 3.0
    assert errors['pck_10px'] >= 0.97


@pytest.fixture(scope='module')
def two_looks(tmp_path_factory):
    folder = tmp_path_factory.mktemp('refine')
    return folder, *trained(folder, 'openfield_mouse', '--boxes', 'refine')


def test_openfield_without_boxes(two_looks):
    _, report, minutes = two_looks
    errors, first = (
        report['splits'][key]['overall'] for key in ('held_out', 'held_out_first_look')
    )
    row('C: refine, random', errors, minutes)
    row('C: first look', first, minutes)
    assert errors['mean_px'] <= 3.3
    assert errors['pck_10px'] >= 0.95
    assert first['mean_px'] <= 10


def test_openfield_film(two_looks):
    """The keypoints are on the mouse: the largest connected dark region of the frame."""
    film = folder_in('VITPOSE_VIDEOS') / 'openfield_mouse.mp4'
    predictor = PosePredictor(two_looks[0] / 'work_dirs' / 'mouse')
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
