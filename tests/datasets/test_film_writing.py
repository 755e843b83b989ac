"""Files of synthetic films: exact times, pictures as drawn, and a complete film or none."""

import json
import sys
import tracemalloc

import cv2
import numpy as np
import pytest

from vitpose_plus.datasets.figures.film_writing import write_film, write_films
from vitpose_plus.datasets.figures.films import scene_frames
from vitpose_plus.datasets.figures.rates import ConstantRate, VariableRate
from vitpose_plus.errors import UserError

av = pytest.importorskip('av', reason='the extra predict')

SIZE = 96, 64
RATE = ConstantRate(25)


def read(path):
    """The times and the pictures of a film, as a player shows them."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    pictures = [np.rot90(f.to_ndarray(format='bgr24'), f.rotation // 90) for f in frames]
    return [frame.time for frame in frames], pictures


@pytest.mark.parametrize(
    ('rate', 'rotation'),
    [
        (RATE, 0),
        (VariableRate(25), 0),
        (ConstantRate(29.97), 90),
        (ConstantRate(7), 270),
    ],
    ids=['constant', 'variable', 'turned', 'turned clockwise'],
)
def test_the_film_has_the_times_and_the_pictures_of_its_truth(tmp_path, rate, rotation):
    path = tmp_path / 'film.mp4'
    write_film(path, 4, 2, 5, rate, SIZE, rotation)
    truth = json.loads(path.with_suffix('.json').read_text())
    frames = list(scene_frames(4, 2, 5, rate, SIZE))
    times, pictures = read(path)
    assert times == [image['time'] for image in truth['images']] == [f.time for f in frames]
    for picture, frame in zip(pictures, frames, strict=True):
        assert np.abs(picture.astype(int) - frame.image).mean() < 8
    # OpenCV turns the pictures by its own reading of the container.
    done, picture = cv2.VideoCapture(str(path)).read()
    assert done
    assert np.abs(picture.astype(int) - frames[0].image).mean() < 8


def test_the_truth_lists_the_figures_of_every_frame(tmp_path):
    write_film(tmp_path / 'film.mp4', 1, 0, 4, VariableRate(2), SIZE)
    truth = json.loads((tmp_path / 'film.json').read_text())
    frames = list(scene_frames(1, 0, 4, VariableRate(2), SIZE))
    names = {category['id']: category for category in truth['categories']}
    entries = iter(truth['annotations'])
    for image, frame in zip(truth['images'], frames, strict=True):
        assert image['file_name'] == f'frame_{frame.number:06d}.png'
        assert (image['width'], image['height']) == SIZE
        for tracked in frame.figures:
            entry = next(entries)
            assert (entry['image_id'], entry['frame']) == (image['id'], frame.number)
            assert (entry['time'], entry['track_id']) == (frame.time, tracked.track_id)
            category = names[entry['category_id']]
            assert category['name'] == tracked.kind.name
            assert tuple(category['keypoints']) == tracked.kind.keypoints
            keypoints = np.reshape(entry['keypoints'], (17, 3))
            np.testing.assert_allclose(keypoints, tracked.keypoints, atol=1e-9)
            np.testing.assert_allclose(entry['bbox'], tracked.box, atol=0.01)
    assert next(entries, None) is None
    assert len({entry['id'] for entry in truth['annotations']}) == len(truth['annotations'])


def test_same_seed_same_bytes_of_truth(tmp_path):
    truths = []
    for seed, index in ((3, 1), (3, 1), (3, 2), (4, 1)):
        write_film(tmp_path / 'film.mp4', seed, index, 2, RATE, SIZE)
        truths.append((tmp_path / 'film.json').read_bytes())
    assert truths[0] == truths[1]
    assert len({truth.split(b'"images"')[1] for truth in truths}) == 3


def test_films_in_turn(tmp_path):
    write_films(tmp_path, 3, 0.08, 0)
    constant, variable, turned = (
        json.loads((tmp_path / f'film_{i:06d}.json').read_text()) for i in range(3)
    )
    assert [image['time'] for image in constant['images']] == [0.0, 0.04]
    assert [image['time'] for image in variable['images']] != [0.0, 0.04]
    assert turned['info']['rotation'] == 90
    assert turned['images'][0]['width'] == 640


def test_an_error_leaves_the_old_film(tmp_path):
    def failing(frames, **_):
        yield next(frames)
        raise RuntimeError('stopped')

    path = tmp_path / 'film.mp4'
    with pytest.raises(RuntimeError, match='stopped'):
        write_film(path, 0, 0, 5, RATE, SIZE, progress=failing)
    assert not list(tmp_path.iterdir())
    path.write_text('old')
    path.with_suffix('.json').write_text('old truth')
    with pytest.raises(RuntimeError, match='stopped'):
        write_film(path, 0, 0, 5, RATE, SIZE, progress=failing)
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        'film.mp4': 'old',
        'film.json': 'old truth',
    }


@pytest.mark.parametrize(
    ('name', 'changes', 'message'),
    [
        ('film.avi', {}, r'film.avi must end in \.mp4'),
        ('film.mp4', dict(num_frames=0), 'num_frames is 0: give 1 or more'),
        ('film.mp4', dict(size=(97, 64)), 'the size is 97x64: give even numbers from 64'),
        ('film.mp4', dict(size=(96, 32)), 'the size is 96x32: give even numbers from 64'),
        ('film.mp4', dict(rotation=45), r'the rotation is 45: give one of \(0, 90, 180, 270\)'),
    ],
)
def test_wrong_arguments(tmp_path, name, changes, message):
    arguments = dict(seed=0, index=0, num_frames=1, rate=RATE, size=SIZE) | changes
    with pytest.raises(UserError, match=message):
        write_film(tmp_path / name, **arguments)
    assert not list(tmp_path.iterdir())


def test_without_pyav(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'av', None)
    with pytest.raises(UserError, match=r'needs the package av: .*vitpose_plus\[predict\]'):
        write_film(tmp_path / 'film.mp4', 0, 0, 1, RATE, SIZE)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_memory_does_not_grow_with_the_film(tmp_path):
    peaks = []
    for num_frames in (60, 400):
        tracemalloc.start()
        write_film(tmp_path / 'film.mp4', 0, 0, num_frames, RATE, (64, 64))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 300_000
