"""All kinds of sources give their pictures in order, each with its own path for drawing."""

import io
import json
import os
import pickle
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.helpers.films import write_film
from vitpose_plus.errors import UserError
from vitpose_plus.files import PICTURES
from vitpose_plus.inference.sources import open_sources, web
from vitpose_plus.inference.sources.planning import Survey, places_of
from vitpose_plus.inference.sources.source import SinglePicture

PICTURE = np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8)
PNG = cv2.imencode('.png', PICTURE)[1].tobytes()


def put(*paths, content=PNG):
    for path in paths:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)


def sources(*args, **kwargs):
    return [picture.source for picture in open_sources(*args, **kwargs)]


def places(*args, **kwargs):
    return [str(picture.place) for picture in open_sources(*args, **kwargs)]


def refused(*args, **kwargs):
    with pytest.raises(UserError) as error:
        list(open_sources(*args, **kwargs))
    assert '\n' not in str(error.value)
    assert str(error.value).endswith('.')
    return str(error.value)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def type_in(monkeypatch, content, terminal=False):
    stream = io.TextIOWrapper(io.BytesIO(content))
    stream.isatty = lambda: terminal
    monkeypatch.setattr(sys, 'stdin', stream)


def test_every_kind_gives_the_same_pixels(monkeypatch, served):
    folder, address, _ = served
    put('photos/a.png', folder / 'a.png')
    Path('list.txt').write_text('photos/a.png\n')
    image = Image.fromarray(PICTURE[..., ::-1])
    url = f'{address.replace("localhost", "127.0.0.1")}/a.png'
    kinds = ['photos/a.png', Path('photos'), 'photos/*.png', '@list.txt', url, PICTURE, image, '-']
    type_in(monkeypatch, PNG)
    opened = open_sources(kinds)
    assert opened.total == len(kinds)
    assert [p.source for p in opened] == [
        *['photos/a.png'] * 4,
        url,
        'array-5',
        'image-6',
        '-',
    ]
    assert opened.given[:3] == ['photos/a.png', 'photos', 'photos/*.png']
    json.dumps(opened.given)
    for _ in range(2):  # the pictures can be iterated twice
        for picture in opened:
            np.testing.assert_array_equal(picture.read(), PICTURE)
            assert (picture.frame, picture.time) == (None, None)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(next(iter(opened)))).read(), PICTURE)


def test_a_folder_and_a_pattern_give_films_among_the_pictures():
    put('photos/a.jpg', 'photos/c.jpg')
    write_film(Path('photos/b.MP4'), [0, 40, 80])
    assert sources('photos') == ['photos/a.jpg', *['photos/b.MP4'] * 3, 'photos/c.jpg']
    assert places('photos/*.MP4') == ['b.MP4'] * 3


def test_a_damaged_film_among_others_is_a_failure_and_alone_an_error():
    put('photos/a.jpg')
    Path('photos/b.mp4').write_bytes(b'no film')
    _, film = open_sources('photos')
    for read in (
        film.read,
        lambda: open_sources('photos/b.mp4'),
        lambda: open_sources('photos/b*'),
    ):
        with pytest.raises(UserError, match=r'b\.mp4 cannot be read as a film \('):
            read()


def test_a_folder_gives_its_pictures_in_natural_order_without_other_files():
    put(*(f'photos/{n}' for n in ('f10.jpg', 'f2.jpg', 'f1.JPG', 'b/f3.tiff', 'b/٣.png', 'z.Gif')))
    put(*(f'photos/{n}' for n in ('README.md', 'film.txt', '.x.jpg', '.git/y.jpg', 'b/.z/a.png')))
    os.symlink('nowhere', 'photos/lost.png')
    os.mkdir('photos/folder.jpg')
    names = ['b/f3.tiff', 'b/٣.png', 'f1.JPG', 'f2.jpg', 'f10.jpg', 'lost.png', 'z.Gif']
    assert sources('photos') == [f'photos/{name}' for name in names]
    assert places('photos/') == [*names[:-1], 'z.Gif.png']
    assert places('photos/*.jpg') == ['f2.jpg', 'f10.jpg']
    assert places('photos/**/f*') == ['b/f3.tiff', 'f1.JPG', 'f2.jpg', 'f10.jpg']
    lost = next(picture for picture in open_sources('photos') if 'lost' in picture.source)
    with pytest.raises(UserError, match=r'lost.png cannot be read \(No such file or directory\)'):
        lost.read()


def test_links_of_folders_are_followed_once_and_never_upwards():
    put('all/photos/a.jpg', 'all/b.jpg', 'elsewhere/c.jpg', 'elsewhere/d.jpg')
    for link, target in dict(a='..', loop='.', e='../../elsewhere', f='../../elsewhere').items():
        os.symlink(target, f'all/photos/{link}')
    os.symlink('.', 'elsewhere/round')
    names = ['a.jpg', 'e/c.jpg', 'e/d.jpg']
    assert places('all/photos') == names
    assert len(sources('all/photos/e/**/*.jpg')) == 2
    put('photo[1].jpg')
    assert sources('photo[1].jpg') == ['photo[1].jpg']  # an existing file is not a pattern


def test_files_in_the_folder_of_results_are_not_used_as_sources():
    put('photos/a.jpg', 'photos/results/drawn/a.jpg')
    os.symlink('results/drawn', 'photos/again')
    results = Path('photos/results')
    assert places('photos', leave_out=results) == ['a.jpg']
    assert places('photos/**/*.jpg', leave_out=results) == ['a.jpg']
    assert places('photos', leave_out=Path('not-there')) == ['a.jpg', 'results/drawn/a.jpg']
    for path in ('photos/results/drawn/a.jpg', 'photos/results', 'photos/again'):
        assert refused(path, leave_out=results) == (
            f'{path} is in the folder of the results: write them to another folder.'
        )


def test_a_list_has_one_source_per_line(monkeypatch):
    put('a b.jpg', 'photos/c.jpg', '#d.jpg', 'lists/a b.jpg')
    put('lists/all', content=b'\xef\xbb\xbf# mine\r\n a b.jpg \r\n\nphotos\n./#d.jpg\nphotos/*.jpg')
    expected = ['a b.jpg', 'photos/c.jpg', './#d.jpg', 'photos/c.jpg']
    assert sources('@lists/all') == expected
    type_in(monkeypatch, Path('lists/all').read_bytes())
    assert sources('@-') == expected


# Given sources, and the paths of the drawn pictures.
PLACES = [
    (['a/x.jpg', 'b/y.JPEG'], ['x.jpg', 'y.JPEG']),
    (['a/x.jpg', 'b/x.jpg'], ['a/x.jpg', 'b/x.jpg']),
    (['p/a/x.jpg', 'p/b/c/X.jpg', 'p/z.png'], ['a/x.jpg', 'b/c/X.jpg', 'z.png']),
    (['a/x.jpg', 'a/x.jpg'], ['x.jpg', 'x-2.jpg']),
    (['a/x.jpg', 'a/x-2.jpg', 'a/x.jpg', 'a/x.jpg'], ['x.jpg', 'x-2.jpg', 'x-3.jpg', 'x-4.jpg']),
    (['a/x.gif', 'a/x.jp2', 'a/x'], ['x.gif.png', 'x.jp2.png', 'x.png']),
    (['../up/x.jpg', 'x.jpg'], ['up/x.jpg', 'here/x.jpg']),
    (['C:x.jpg', 'a\\b.jpg', 'e\nf.png'], ['C_x.jpg', 'a_b.jpg', 'e_f.png']),
    ([os.fsdecode(b'caf\xe9.jpg'), '🦒.jpg'], ['caf_.jpg', '🦒.jpg']),
    (['ü' * 120 + '.gif'], ['ü' * 98 + '.png']),
]


@pytest.mark.parametrize(('names', 'expected'), PLACES)
def test_drawn_pictures_keep_the_names_of_their_sources(names, expected, monkeypatch):
    os.mkdir('here')
    monkeypatch.chdir('here')
    put(*names)
    assert places(names) == expected
    for picture in open_sources(names):
        picture.source.encode()
        assert json.loads(json.dumps(picture.source)) == picture.source
        np.testing.assert_array_equal(picture.read(), PICTURE)


def test_folders_with_the_same_names_get_different_paths():
    put('one/s/x.jpg', 'two/s/x.jpg', 'two/y.jpg')
    assert places(['one', 'two']) == ['one/s/x.jpg', 'two/s/x.jpg', 'two/y.jpg']
    assert places(['one/s', 'two/s/x.jpg', PICTURE]) == [
        'one/s/x.jpg',
        'two/s/x.jpg',
        'array-2.png',
    ]
    put('folder/x.png/y.png')
    assert places(['folder', 'folder/x.png']) == ['x.png/y.png', 'y.png']


def unique_places(entries):
    survey = Survey()
    for entry in entries:
        survey.add(entry)
    return [place for _, place in places_of(survey, lambda: entries).of(entries)]


NAME = st.text(st.sampled_from('aA.é\udce9/:\\\n~2-') | st.characters(), max_size=300)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NAME | st.sampled_from(['x.png', 'x.png/a.jpg', '../x.png']), NAME)))
def test_places_are_unique_and_inside_their_folder(names):
    entries = [SinglePicture(place, f'/{full}', place, None) for place, full in names]
    placed = unique_places(entries)
    assert placed == unique_places(entries)
    assert len(placed) == len(entries)
    assert len({str(place).casefold() for place in placed}) == len(placed)
    folders = {str(parent).casefold() for place in placed for parent in place.parents}
    for place in placed:
        assert str(place).casefold() not in folders
        assert not place.is_absolute()
        assert '..' not in place.parts
        assert place.suffix.lower() in PICTURES
        assert all(len(part.encode()) <= 240 for part in place.parts)


ARRAYS = [
    (PICTURE, PICTURE),
    (PICTURE[:, ::-1], PICTURE[:, ::-1]),
    (PICTURE[..., 0], np.repeat(PICTURE[..., :1], 3, 2)),
    (np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)),
]


@pytest.mark.parametrize(('array', 'expected'), ARRAYS)
def test_arrays_are_bgr_or_grey(array, expected):
    [picture] = open_sources(array)
    read = picture.read()
    np.testing.assert_array_equal(read, expected)
    assert read.flags.c_contiguous
    assert str(picture.place) == 'array-0.png'


@pytest.mark.parametrize('word', ['-', '@-'])
def test_a_source_that_only_one_process_can_read_is_not_shared(word):
    message = refused(word, is_shared=True)
    assert message.startswith(f'{word} can be read by only one process: save it in a file')


def bad_stdin(monkeypatch, _):
    type_in(monkeypatch, b'', terminal=True)
    return '-'


def bad_list(monkeypatch, _):
    type_in(monkeypatch, b'', terminal=True)
    return '@-'


def long_list(monkeypatch, _):
    put('list', content=b'a.jpg\nlost\x1b]2J\xff.jpg')
    put('a.jpg')
    return '@list'


def list_of_lists(monkeypatch, _):
    put('list', content=b'@list')
    return '@list'


def comments(monkeypatch, _):
    put('list', content=b'# nothing\n')
    return '@list'


def texts(monkeypatch, _):
    put('texts/a.txt')
    return 'texts'


def no_permission(monkeypatch, _):
    os.mkdir('secret')

    def scandir(path):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(os, 'scandir', scandir)
    return 'secret'


REFUSED = [
    (
        'lost.jpg',
        'lost.jpg does not exist: give a picture, a film, a folder, a pattern, @FILE, - or a',
    ),
    ('a' * 5000, 'does not exist: give a picture'),
    ('a\0*.jpg', 'a\\x00*.jpg does not exist: give'),
    ('', 'An empty path does not exist: give a picture'),
    ('*.jpg', '*.jpg is no file and matches no pictures or films: check the pattern.'),
    ('@lost.txt', '@lost.txt: the list lost.txt cannot be read (No such file or directory): check'),
    ('@', '@: the list  cannot be read (Is a directory): check the path.'),
    ([], 'There are no sources: give a picture or a folder.'),
    (5, 'A source is of type int: give a path, an array or a PIL image.'),
    (b'a.jpg', 'A source is of type bytes: give a path, an array or a PIL image.'),
    ([['a.jpg']], 'A source is of type list: give a path'),
    (PICTURE / 255, 'array-0 is float64 of shape (3, 4, 3): give uint8, BGR of shape (height, wid'),
    (PICTURE[None], 'array-0 is uint8 of shape (1, 3, 4, 3): give uint8'),
    ([PICTURE, PICTURE[:0]], 'array-1 is uint8 of shape (0, 4, 3): give uint8'),
    (np.zeros((9, 9, 4), np.uint8), 'array-0 is uint8 of shape (9, 9, 4): give uint8'),
    ('http://example.com/a.jpg', 'http://example.com/a.jpg is not downloaded, as it is not https'),
    ('http://127.0.0.1.example.com/a.jpg', 'is not downloaded, as it is not https'),
    ('http://127.0.0.1@example.com/a.jpg', 'is not downloaded, as it is not https'),
    ('ftp://example.com/a.jpg', 'ftp://example.com/a.jpg is not downloaded, as it is not https'),
    ('file:///etc/passwd', 'file:///etc/passwd is not downloaded, as it is not https'),
    ('https://[::1/a.jpg', 'https://[::1/a.jpg is not downloaded, as it is not https'),
    ('https:///a.jpg', 'https:///a.jpg is not downloaded, as it is not https'),
    (
        bad_stdin,
        '- reads the bytes of a picture from standard input, which is a terminal: give a p',
    ),
    (bad_list, '- reads a list of pictures from standard input, which is a terminal: give a pipe.'),
    (long_list, '@list: lost\\x1b]2J\\xff.jpg does not exist: give a picture'),
    (list_of_lists, '@list does not exist'),
    (comments, '@list names no pictures: write one per line.'),
    (
        texts,
        'texts has no pictures or films (files that end in .jpg, .mp4, ...): give another folder.',
    ),
    (no_permission, 'secret cannot be read (Permission denied): change its permissions, or give o'),
]


@pytest.mark.parametrize(
    ('words', 'message'), REFUSED, ids=lambda case: getattr(case, '__name__', str(case)[:30])
)
def test_a_wrong_source_raises_one_sentence(words, message, monkeypatch, tmp_path):
    assert message in refused(words(monkeypatch, tmp_path) if callable(words) else words)


def folder_as_picture(monkeypatch):
    put('a.jpg')
    [picture] = open_sources('a.jpg')
    os.remove('a.jpg')
    os.mkdir('a.jpg')
    return picture


def forbidden(monkeypatch):
    put('a.jpg')

    def read_bytes(path):
        raise PermissionError(13, 'Permission denied')

    monkeypatch.setattr(Path, 'read_bytes', read_bytes)
    return next(iter(open_sources('a.jpg')))


def text(monkeypatch):
    put('a\n.jpg', content=b'Hello')
    return next(iter(open_sources('a\n.jpg')))


def empty_input(monkeypatch):
    type_in(monkeypatch, b'')
    return next(iter(open_sources('-')))


def cut_image(monkeypatch):
    return next(iter(open_sources(Image.open(io.BytesIO(PNG[:60])))))


UNREADABLE = [
    (folder_as_picture, 'a.jpg is a folder or a device, not a picture: give a file.'),
    (forbidden, 'a.jpg cannot be read (Permission denied): check the path and the permissions.'),
    (text, 'a\\n.jpg is no picture that OpenCV or Pillow can read: convert it, or leave it out.'),
    (empty_input, 'The standard input is empty: copy or download it again.'),
    (cut_image, 'image-0 cannot be read ('),
]


@pytest.mark.parametrize(
    ('make', 'message'), UNREADABLE, ids=lambda case: getattr(case, '__name__', str(case)[:30])
)
def test_an_unreadable_picture_raises_one_sentence_when_it_is_read(make, message, monkeypatch):
    with pytest.raises(UserError) as error:
        make(monkeypatch).read()
    assert str(error.value).startswith(message)
    assert '\n' not in str(error.value)


class Tricks(BaseHTTPRequestHandler):
    """A server that redirects, sends half of a file, or sends too much."""

    def do_GET(self):
        port = self.server.server_port
        targets = {
            '/near': f'http://127.0.0.1:{port}/a.png',
            '/far': 'http://example.com/a.png',
            '/file': 'file:///etc/passwd',
            '/round': '/round',
        }
        if self.path in targets:
            self.send_response(302)
            self.send_header('Location', targets[self.path])
            self.send_header('Content-Length', '0')
            self.end_headers()
            return
        self.send_response(200 if 'lost' not in self.path else 404)
        if 'endless' not in self.path:
            self.send_header('Content-Length', str(len(PNG) * (1 + ('cut' in self.path))))
        self.end_headers()
        self.wfile.write(PNG if 'page' not in self.path else b'<html>' + bytes(len(PNG) - 6))

    def log_message(self, *args):
        pass


@pytest.fixture(scope='module')
def address():
    with ThreadingHTTPServer(('127.0.0.1', 0), Tricks) as server:
        thread = Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f'http://127.0.0.1:{server.server_port}'
        server.shutdown()
        thread.join()


@pytest.mark.parametrize('path', ['/a.png', '/near', '/endless', '/folder%2Fa%20b.png?size=9'])
def test_a_url_is_downloaded_into_memory(path, address, monkeypatch, tmp_path):
    monkeypatch.setenv('NO_PROXY', '*')
    [picture] = open_sources(address + path)
    np.testing.assert_array_equal(picture.read(), PICTURE)
    assert picture.source == address + path
    assert picture.place.suffix == '.png'
    assert not list(tmp_path.iterdir())


URLS = [
    ('/far', 'http://example.com/a.png is not downloaded, as it is not https'),
    ('/file', "Redirection to url 'file:///etc/passwd' is not allowed): check the address"),
    ('/round', 'cannot be downloaded (HTTP Error 302'),
    (
        '/lost',
        'cannot be downloaded (HTTP Error 404: Not Found): check the address and the network',
    ),
    (
        '/cut',
        f'cannot be downloaded (cut after {len(PNG)} of {2 * len(PNG)} bytes): check the addr',
    ),
    ('/page', 'is no picture that OpenCV or Pillow can read'),
    ('/large', 'has more than 0 MiB: download it by other means, and give the file.'),
    ('/large-endless', 'has more than 0 MiB: download it by other means, and give the file.'),
]


@pytest.mark.parametrize(('path', 'message'), URLS)
def test_a_failed_download_raises_one_sentence(path, message, address, monkeypatch):
    monkeypatch.setenv('NO_PROXY', '*')
    if 'large' in path:
        download = web.download
        monkeypatch.setattr(web, 'download', lambda url: download(url, most=len(PNG) - 1))
    [picture] = open_sources(address + path)
    with pytest.raises(UserError) as error:
        picture.read()
    assert message in str(error.value)
    assert '\n' not in str(error.value)


def test_a_missing_server_raises_one_sentence(monkeypatch):
    monkeypatch.setenv('NO_PROXY', '*')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        [picture] = open_sources(f'http://127.0.0.1:{free.getsockname()[1]}/a.jpg')
        with pytest.raises(
            UserError, match=r'cannot be downloaded \(.*Connection refused\): check'
        ):
            picture.read()
