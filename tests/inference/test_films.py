"""Films: numbers, times and rotation of frames; films that are damaged; drawn films."""

import json
import resource
import signal
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from tests.helpers.demo import TINY
from tests.helpers.films import CONSTANT, VARIABLE, frame_of, number_in, times_in, write_film
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.inference.drawing import Drawings
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources import Selection, open_sources
from vitpose_plus.inference.writing import Lines


def lines(name='predictions'):
    return list(Lines(Path(f'predictions/{name}.ndjson')))


MODEL = ['--model', TINY, '--checkpoint', str(FILE), '--boxes', 'whole']


def seconds(times):
    return [time / 1000 for time in times]


def read(path, **selection):
    """The numbers, times and images of the selected frames."""
    frames = list(open_sources(path, selection=Selection(**selection)))
    return [(frame.frame, frame.time, frame.read()) for frame in frames]


@pytest.mark.parametrize('times', [CONSTANT, VARIABLE], ids=['constant', 'variable'])
@pytest.mark.parametrize('name', ['film.mp4', 'film.mkv', 'film.MOV'])
def test_every_frame_has_its_number_and_its_exact_time(name, times, tmp_path):
    frames = read(write_film(tmp_path / name, times))
    assert [number for number, _, _ in frames] == list(range(len(times)))
    assert [time for _, time, _ in frames] == pytest.approx(seconds(times), abs=1e-9)
    assert [number_in(image) for _, _, image in frames] == list(range(len(times)))


@pytest.mark.parametrize('rotation', [0, 90, 180, -90])
def test_a_rotated_film_is_turned_as_in_opencv(rotation, tmp_path):
    path = write_film(tmp_path / 'film.mp4', CONSTANT[:3], rotation=rotation)
    expected = cv2.VideoCapture(str(path)).read()[1]
    [(_, _, image), *_] = read(path)
    assert image.shape == expected.shape == ((48, 64, 3) if rotation in (0, 180) else (64, 48, 3))
    assert np.abs(image.astype(int) - expected).mean() < 2
    corners = image[4, 4], image[4, -4], image[-4, -4], image[-4, 4]
    assert sum(corner.mean() > 200 for corner in corners) == 1


@pytest.mark.parametrize(
    ('selection', 'numbers'),
    [
        (dict(every=10), [0, 10, 20]),
        (dict(start=0.4), [*range(10, 30)]),
        (dict(stop=0.08), [0, 1, 2]),
        (dict(start=0.39, stop=0.61, every=2), [10, 12, 14]),
    ],
    ids=str,
)
def test_frames_are_selected_by_time_and_number(selection, numbers, tmp_path):
    frames = read(write_film(tmp_path / 'film.mp4', CONSTANT), **selection)
    assert [number for number, _, _ in frames] == numbers
    assert [number_in(image) for _, _, image in frames] == numbers


def test_the_total_is_known_unless_times_are_selected(tmp_path):
    path = write_film(tmp_path / 'film.mp4', CONSTANT)
    assert open_sources(path).total == 30
    assert open_sources(path, selection=Selection(every=7)).total == 5
    assert open_sources(path, selection=Selection(stop=1.0)).total is None


def cut(path, share=0.5):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


@pytest.mark.parametrize(
    ('name', 'options'), [('film.mkv', {}), ('film.mp4', dict(movflags='+faststart'))]
)
def test_a_film_that_ends_early_is_used_to_its_end_and_reported(name, options, tmp_path):
    path = write_film(tmp_path / name, CONSTANT, size_wh=(320, 240), **options)
    cut(path)
    *frames, last = open_sources(path)
    assert 0 < len(frames) < len(CONSTANT)
    assert [number_in(frame.read()) for frame in frames] == list(range(len(frames)))
    with pytest.raises(UserError, match=rf'{name} ends after [\d.]+ of 1\.2\d* seconds: the'):
        last.read()


def test_a_damaged_part_is_reported_and_the_rest_is_used(tmp_path):
    path = write_film(tmp_path / 'film.mp4', CONSTANT, size_wh=(320, 240))
    content = bytearray(path.read_bytes())
    start = content.index(b'mdat') + 2000
    content[start : start + 500] = bytes(500)
    path.write_bytes(content)
    *frames, last = open_sources(path)
    assert len(frames) > 20
    assert (number_in(frames[-1].read()), frames[-1].time) == (29, pytest.approx(29 / 25))
    with pytest.raises(UserError, match=r'film\.mp4 has 2\d of 30 frames: the frames'):
        last.read()


def text(path):
    path.write_text('no film')


def empty(path):
    path.touch()


def only_sound(path):
    with av.open(str(path), 'w', format='matroska') as container:
        stream = container.add_stream('aac', rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), 'fltp', 'mono')
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def without_frames(path):
    write_film(path, [0])
    cut(path, 0.6)


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (text, r'film\.mkv cannot be read as a film \(.+\): check the file'),
        (empty, r'film\.mkv cannot be read as a film \(.+\): check the file'),
        (only_sound, r'film\.mkv has no pictures, only sound: give another file'),
        (without_frames, r'film\.mkv (has no frames: check|cannot be read as a film)'),
    ],
)
def test_a_file_without_frames_is_refused_before_the_run(make, message, tmp_path):
    make(tmp_path / 'film.mkv')
    with pytest.raises(UserError, match=message):
        open_sources(tmp_path / 'film.mkv')


@pytest.mark.parametrize(
    ('selection', 'message'),
    [
        (dict(start=5.0), 'has no frames at the times of --from and --to'),
        (dict(start=2.0, stop=1.0), r'--to 1\.0 is before --from 2\.0'),
        (dict(start=-1.0), r'--from is -1\.0: give a time of at least 0'),
        (dict(stop=float('nan')), '--to is nan'),
        (dict(every=0), '--every is 0: give an integer of at least 1'),
    ],
    ids=str,
)
def test_a_selection_without_frames_is_refused(selection, message, tmp_path):
    path = write_film(tmp_path / 'film.mp4', CONSTANT)
    with pytest.raises(UserError, match=message):
        open_sources(path, selection=Selection(**selection))


def test_a_selection_needs_a_film(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), frame_of(0, (64, 48)))
    with pytest.raises(UserError, match='are for films, but no source is a film'):
        open_sources(tmp_path, selection=Selection(every=2))


def results(path, place='film.mp4'):
    for picture in open_sources(path):
        image = picture.read()
        yield Result(
            str(path),
            image.shape[1],
            image.shape[0],
            frame=picture.frame,
            time=picture.time,
            time_base=picture.time_base,
            image=image,
            place=Path(place),
        )


@pytest.mark.parametrize('size_wh', [(64, 48), (65, 49)])
@pytest.mark.parametrize('times', [CONSTANT, VARIABLE], ids=['constant', 'variable'])
def test_a_drawn_film_has_the_frames_and_times_of_its_source(times, size_wh, tmp_path):
    source = write_film(tmp_path / 'film.mkv', times, codec='ffv1', size_wh=size_wh)
    with Drawings(tmp_path / 'drawn', 0.3) as drawings:
        for result in results(source):
            drawings.add(result)
    drawn = tmp_path / 'drawn' / 'film.mp4'
    assert times_in(drawn) == pytest.approx(seconds(times), abs=1e-9)
    assert duration_of(drawn) == pytest.approx((2 * times[-1] - times[-2]) / 1000, abs=1e-9)
    frames = read(drawn)
    assert [number_in(image) for _, _, image in frames] == list(range(len(times)))
    assert frames[0][2].shape == (*(side + side % 2 for side in size_wh[::-1]), 3)


def duration_of(path):
    """The duration of a film that begins at 0; the last frame is as long as the frame before."""
    with av.open(str(path)) as container:
        return float(container.duration / av.time_base)


def draw(images, folder):
    with Drawings(folder, 0.3) as drawings:
        for number, image in enumerate(images):
            result = Result('f', 320, 240, frame=number, time=number / 25, image=image)
            result.place, result.time_base = Path('f.mp4'), Fraction(1, 1000)
            drawings.add(result)


def test_a_full_disk_leaves_no_film(tmp_path):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (240, 320, 3), np.uint8) for _ in range(40)]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        with pytest.raises(RunError, match='too large'):
            draw(noise, tmp_path / 'drawn')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert not [path for path in (tmp_path / 'drawn').rglob('*') if path.is_file()]


def test_a_film_and_a_picture_are_predicted_in_one_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cut(write_film(tmp_path / 'film.mkv', CONSTANT, size_wh=(320, 240)))
    cv2.imwrite('picture.png', frame_of(3, (64, 48)))
    with pytest.raises(SystemExit) as stop:
        main(['predict', 'film.mkv', 'picture.png', *MODEL, '--every', '5', '--format', 'dlc'])
    assert stop.value.code == 3
    numbers = [line['frame'] for line in lines()]
    assert numbers[-1] is None
    assert numbers[:-1] == list(range(0, 5 * len(numbers) - 5, 5))
    assert [line['time'] for line in lines()[:-1]] == pytest.approx([n / 25 for n in numbers[:-1]])
    drawn = Path('predictions/drawn')
    assert {path.name for path in drawn.iterdir()} == {'film.mkv.mp4', 'picture.png'}
    assert times_in(drawn / 'film.mkv.mp4') == pytest.approx([n / 25 for n in numbers[:-1]])
    [error] = lines('errors')
    assert error['error'].startswith('film.mkv ends after')
    manifest = json.loads(Path('predictions/manifest.json').read_text())
    assert manifest['settings']['frames'] == dict(start=None, stop=None, every=5)


def test_lines_and_drawn_films_have_the_times_and_directions_of_their_sources(
    tmp_path, monkeypatch
):
    """Also if the frames wait for later frames, as in smoothing."""
    monkeypatch.chdir(tmp_path)
    times = dict(constant=CONSTANT[:8], variable=VARIABLE[:8], rotated=VARIABLE[:8])
    films = {name: write_film(Path(f'{name}.mp4'), times[name]) for name in times}
    write_film(films['rotated'], times['rotated'], rotation=90)
    main(['predict', *map(str, films.values()), *MODEL, '--track', '--smooth', 'savgol'])
    for name, film in films.items():
        written = [(line['frame'], line['time']) for line in lines() if line['source'] == str(film)]
        assert [number for number, _ in written] == list(range(len(times[name])))
        assert [time for _, time in written] == pytest.approx(seconds(times[name]), abs=1e-9)
        sources, drawn = read(film), read(Path('predictions/drawn', film.name))
        assert [time for _, time, _ in drawn] == pytest.approx([time for _, time in written])
        assert {image.shape for _, _, image in drawn} == {sources[0][2].shape}
        # Every drawn frame is nearest to its own source.
        one, other = (np.array([image for *_, image in found], int) for found in (drawn, sources))
        distances = np.abs(one[:, None] - other).mean((2, 3, 4))
        assert distances.argmin(1).tolist() == list(range(len(times[name])))


def test_boxes_of_a_file_are_found_by_the_name_of_the_frame(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_film(tmp_path / 'film.mp4', CONSTANT[:3])
    rows = [f'film.mp4/frame_{n:06d}.png,{n},0,{n + 20},40' for n in range(3)]
    Path('boxes.csv').write_text('\n'.join(['source,x1,y1,x2,y2', *rows]))
    main(['predict', 'film.mp4', *MODEL[:-1], 'boxes.csv', '--no-draw'])
    assert [line['instances'][0]['box'][0] for line in lines()] == [0, 1, 2]
