"""Cameras, with a small film in place of the device: this is untested on a real camera."""

import errno
import signal
from pathlib import Path
from types import SimpleNamespace

import av
import cv2
import numpy as np
import pytest

from tests.helpers.demo import TINY
from tests.helpers.films import VARIABLE, number_in, times_in, write_film
from tests.helpers.tiny_figures import FILE
from vitpose_plus.commands import main
from vitpose_plus.errors import UserError
from vitpose_plus.inference.sources import Selection, cameras, open_sources
from vitpose_plus.inference.sources.films import FramePicture
from vitpose_plus.inference.writing import Lines

MODEL = ['--model', TINY, '--checkpoint', str(FILE), '--boxes', 'whole']
SECONDS = [time / 1000 for time in VARIABLE]


class Device:
    """An open film. Each reading fails at first, as on macOS if there is no new frame."""

    opened = 0

    def __init__(self, content):
        self.content, self.streams = content, content.streams
        self.reads = 0

    def demux(self, stream):
        self.reads += 1
        if self.reads == 1:
            raise av.error.BlockingIOError(errno.EAGAIN, 'Resource temporarily unavailable')
        yield from self.content.demux(stream)

    def __enter__(self):
        assert Device.opened == 0, 'a camera can be opened once at a time'
        Device.opened += 1

    def __exit__(self, *_):
        Device.opened -= 1
        self.content.close()


@pytest.fixture
def opened(tmp_path, monkeypatch):
    """The arguments with which the camera was opened; its clock begins at 5 seconds."""
    film = write_film(tmp_path / 'device.mkv', [5000 + time for time in VARIABLE])
    calls, real = [], av.open

    def open_device(address, *args, format=None, options=None, **kwargs):
        if format not in ('v4l2', 'avfoundation', 'dshow'):
            return real(address, *args, format=format, options=options, **kwargs)
        calls.append((address, format, options))
        return Device(real(str(film)))

    monkeypatch.setattr(av, 'open', open_device)
    return calls


def test_frames_of_a_camera_have_numbers_and_times_from_the_first_frame(opened):
    sources = open_sources('camera:0')
    assert (sources.total, sources.given) == (None, ['camera:0'])
    [(number, entry, place)] = sources.entries()
    assert (number, entry.is_film, str(place)) == (0, True, 'camera-0.mp4')
    *frames, last = sources
    assert [frame.frame for frame in frames] == list(range(len(VARIABLE)))
    assert [frame.time for frame in frames] == pytest.approx(SECONDS, abs=1e-9)
    assert [number_in(frame.read()) for frame in frames] == list(range(len(VARIABLE)))
    assert {frame.source for frame in frames} == {'camera:0'}
    with pytest.raises(UserError, match=r'^camera:0 gave no more frames after [12]\.\d+ seconds'):
        last.read()
    assert len(opened) == 2  # in the check and in the reading
    assert Device.opened == 0
    assert sources.digest != open_sources('camera:0').digest  # it shows other frames each time


@pytest.mark.parametrize('source', ['camera:0', '@list'])
def test_only_one_process_can_read_a_camera(source, opened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path('list').write_text('camera:0\n')
    with pytest.raises(UserError, match='A camera can be read by only one process: '):
        open_sources(source, is_shared=True)


def test_a_camera_ends_at_the_given_time(opened):
    frames = open_sources('camera:0', selection=Selection(start=0.04, stop=0.5, every=2))
    assert [frame.frame for frame in frames] == [2, 4]


def test_each_platform_has_its_format_and_address(opened, monkeypatch):
    devices = [('Microphone', ['audio']), ('Front', ['video']), ('Back', ['video', 'audio'])]
    found = [SimpleNamespace(name=name, media_types=types) for name, types in devices]
    monkeypatch.setattr(av, 'enumerate_input_devices', lambda _: found)
    for platform in ('linux', 'darwin', 'win32'):
        monkeypatch.setattr(cameras, 'sys', SimpleNamespace(platform=platform))
        open_sources('camera:1')
    assert opened == [
        ('/dev/video1', 'v4l2', {}),
        ('1:none', 'avfoundation', {'framerate': '30'}),
        ('video=Back', 'dshow', {}),
    ]
    with pytest.raises(
        UserError, match=r'^camera:2 cannot be opened \(there is no such camera\): '
    ):
        open_sources('camera:2')
    monkeypatch.setattr(cameras, 'sys', SimpleNamespace(platform='aix'))
    with pytest.raises(UserError, match=r'^camera:0: cameras are not supported on aix: give a fil'):
        open_sources('camera:0')


def predict(*words):
    try:
        return main(['predict', *words, *MODEL]) or 0
    except SystemExit as stop:
        return stop.code


def test_a_camera_is_predicted_and_drawn_as_a_film(opened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert predict('camera:0', '--to', '0.1') == 0
    written = list(Lines(Path('predictions/predictions.ndjson')))
    assert [line['time'] for line in written] == pytest.approx(SECONDS[:3], abs=1e-9)
    drawn = Path('predictions/drawn/camera-0.mp4')
    assert times_in(drawn) == pytest.approx(SECONDS[:3], abs=1e-9)


def test_ctrl_c_ends_a_camera_and_the_run_is_complete(opened, tmp_path, monkeypatch):
    """The next source is predicted, too."""
    monkeypatch.chdir(tmp_path)
    cv2.imwrite('next.png', np.zeros((48, 64, 3), np.uint8))
    read = FramePicture.read

    def read_and_interrupt(self):
        if self.frame == 4:
            signal.raise_signal(signal.SIGINT)
        return read(self)

    monkeypatch.setattr(FramePicture, 'read', read_and_interrupt)
    main(['predict', 'camera:0', 'next.png', *MODEL])
    lines = list(Lines(Path('predictions/predictions.ndjson')))
    assert lines[-1]['source'] == 'next.png'
    frames = [line['frame'] for line in lines[:-1]]
    assert 4 <= len(frames) < len(VARIABLE)
    assert len(times_in(Path('predictions/drawn/camera-0.mp4'))) == len(frames)


def test_a_missing_camera_is_one_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert predict('camera:9999') == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert 'camera:9999 cannot be opened (' in message
    assert message.endswith('connect the camera, close other programs that use it, or give another '
                            'number.')  # fmt: skip
    assert not Path('predictions').exists()
    Path('camera:9999').write_text('an existing file is used first')
    assert open_sources('camera:9999').total == 1
