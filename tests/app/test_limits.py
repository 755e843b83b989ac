"""Limits of uploads: each wrong file gives one sentence, and is not decoded."""

import re
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.demo import TINY
from tests.helpers.films import write_film
from vitpose_plus.app.limits import Limits
from vitpose_plus.app.requests import Request
from vitpose_plus.app.uploads import Upload, UploadedFilm
from vitpose_plus.errors import UserError
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.sources import Sources, decoding, films
from vitpose_plus.inference.sources.source import Unreadable

WHOLE = dict(model=TINY, dataset='coco', boxes='whole')


@pytest.fixture
def undecoded(monkeypatch):
    """No picture and no frame may be decoded."""

    def fail(*_):
        raise AssertionError('decoded')

    Image.init()  # Pillow loads its plugins before ``load`` is replaced
    monkeypatch.setattr(decoding, '_by_opencv', fail)
    monkeypatch.setattr(Image.Image, 'load', fail)
    monkeypatch.setattr(films.FramePicture, 'read', fail)


def refused(predict, path, message, **request):
    with pytest.raises(UserError, match=message) as caught:
        predict(path, Request(**WHOLE | request))
    sentence = str(caught.value)
    assert str(path.parent) not in sentence
    assert len(re.findall(r'\.(?: |$)', sentence)) == 1


def bomb(width, height):
    """A small PNG whose header states a large size."""

    def chunk(name, content):
        crc = zlib.crc32(name + content)
        return struct.pack('>I', len(content)) + name + content + struct.pack('>I', crc)

    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    chunks = chunk(b'IHDR', header) + chunk(b'IDAT', data) + chunk(b'IEND', b'')
    return b'\x89PNG\r\n\x1a\n' + chunks


@pytest.mark.parametrize(
    ('name', 'content', 'message'),
    [
        ('a.jpg', b'only text', r'a\.jpg cannot be read as a picture: send a picture as JPEG'),
        ('a.png', b'', r'a\.png is empty'),
        ('big.png', bytes(1_200_000), r'big\.png has 1\.2 megabytes, and the limit is 1: make'),
        ('200.png', bomb(20000, 10000), r'200\.png has more than 0\.5 megapixels, the limit'),
        ('bomb.png', bomb(60000, 60000), r'bomb\.png has more than 0\.5 megapixels, the limit'),
        ('some.png', bomb(1000, 600), r'some\.png has 1000x600 pixels, and the limit is 0\.5 mega'),
        ('long.png', bomb(40000, 1), r'has 40000x1 pixels, and the limit is 30000 for each side'),
        ('a.eps', b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n', r'cannot be read as a p'),
        ('x<b>.jpg', b'text', r'x_b\.jpg cannot be read'),
    ],
    ids=lambda value: value if isinstance(value, str) and ' ' not in value else '',
)
def test_a_wrong_picture_is_refused_before_it_is_decoded(
    name, content, message, service, undecoded, tmp_path
):
    (tmp_path / name).write_bytes(content)
    refused(service.picture, tmp_path / name, message)
    with pytest.raises(UserError, match=message):
        service.shown(tmp_path / name)


def test_a_picture_of_200_megapixels_exceeds_the_default_limit(undecoded, tmp_path):
    (tmp_path / 'a.png').write_bytes(bomb(20000, 10000))
    with pytest.raises(UserError, match=r'a\.png has more than 50 megapixels'):
        Limits().check_picture(tmp_path / 'a.png', 'a.png')
    (tmp_path / 'a.png').write_bytes(bomb(10000, 8000))
    with pytest.raises(UserError, match=r'10000x8000 pixels, and the limit is 50 megapixels'):
        Limits().check_picture(tmp_path / 'a.png', 'a.png')


def test_a_missing_file_a_folder_and_a_damaged_picture_are_one_sentence(service, mixed, tmp_path):
    refused(service.picture, tmp_path / 'missing.png', r'missing\.png is not a file')
    refused(service.picture, tmp_path / 'x', r'x is not a file')
    (tmp_path / 'half.jpg').write_bytes(mixed.read_bytes()[:2000])
    refused(service.picture, tmp_path / 'half.jpg', r'half\.jpg is cut off or damaged')


PLAYLIST = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n'


def test_a_wrong_film_is_refused_before_it_is_decoded(service, undecoded, tmp_path):
    other = write_film(tmp_path / 'other.ts', [0, 40])
    (tmp_path / 'list.mp4').write_text(PLAYLIST.format(other))
    refused(service.film, tmp_path / 'list.mp4', r'list\.mp4 cannot be read as a film: send a film')
    (tmp_path / 'a.mp4').write_text('only text')
    refused(service.film, tmp_path / 'a.mp4', r'a\.mp4 cannot be read as a film')
    film = write_film(tmp_path / 'long.mp4', [0, 1000, 3000])
    refused(service.film, film, r'long\.mp4 is longer than 2 seconds, the limit: cut it')
    film = write_film(tmp_path / 'many.mp4', [20 * k for k in range(50)])
    refused(service.film, film, r'many\.mp4 has more than 40 frames, the limit')


def test_a_prediction_opens_no_playlist(tmp_path):
    """Also if the upload is replaced after its check."""
    other = write_film(tmp_path / 'other.ts', [0, 40])
    (tmp_path / 'list.mp4').write_text(PLAYLIST.format(other))
    with pytest.raises(Unreadable, match='cannot be read as a film'):
        Sources([UploadedFilm(Upload(tmp_path / 'list.mp4'), 0)])


def test_a_film_whose_header_states_nothing_is_stopped(tmp_path):
    """Results are counted while they are predicted."""
    limits = Limits(film_frames=3, film_seconds=1, film_megapixels=1e-4)

    def results(number, seconds, wh):
        return (Result('a', *wh, frame=k, time=seconds * k) for k in range(number))

    assert len(list(limits.checked(results(3, 0.5, (10, 10)), 'a.mp4'))) == 3
    for given, message in (
        (results(4, 0.1, (10, 10)), 'more than 3 frames'),
        (results(3, 0.6, (10, 10)), 'longer than 1 seconds'),
        (results(1, 0.1, (11, 10)), '11x10 pixels in each frame'),
    ):
        with pytest.raises(UserError, match=message):
            list(limits.checked(given, 'a.mp4'))


@pytest.mark.parametrize(
    ('path', 'stem', 'name'),
    [
        ('/a/b.jpg', 'b', 'b.jpg'),
        ('/a/../..', 'upload', 'upload'),
        ('/a/"><script>.png', 'script', 'script.png'),
        ('/a/été 1.PNG', 'été_1', 'été_1.PNG'),
        (f'/a/{"x" * 200}.jpeg', 'x' * 60, f'{"x" * 60}.jpeg'),
        ('/a/.hidden', 'hidden', 'hidden'),
    ],
)
def test_names_of_files_are_clean(path, stem, name):
    upload = Upload(Path(path))
    assert (upload.stem, upload.name) == (stem, name)
