"""Sources are streamed: the same entries each time, in constant memory, with different paths."""

import os
import re
import shutil
import tracemalloc
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.inference.test_sources import PICTURE, PNG, put, type_in, unique_places
from vitpose_plus.errors import RunError
from vitpose_plus.inference.sources import open_sources
from vitpose_plus.inference.sources.source import SinglePicture
from vitpose_plus.inference.sources.walking import sort_naturally


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def link(first, last, folders):
    """Makes links to one picture in several folders."""
    put('picture.png')
    for number in range(first, last):
        folder = Path('photos', str(number % folders))
        folder.mkdir(parents=True, exist_ok=True)
        os.symlink(os.path.abspath('picture.png'), folder / f'picture_{number}.png')


def peak(number):
    """The highest use of memory, in bytes, while the sources are planned and streamed.

    It is the lower one of two measurements: Python's table of interned strings, which pathlib uses,
    is sometimes allocated again.
    """
    peaks = []
    for _ in range(2):
        tracemalloc.start()
        sources = open_sources('photos')
        assert sum(1 for _ in sources.entries()) == sources.total == number
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    return min(peaks)


@pytest.mark.parametrize(
    ('few', 'many', 'folders', 'most'),
    [
        (200, 800, 100, 33),
        (100, 400, 1, 250),
        pytest.param(10_000, 100_000, 100, 33, marks=pytest.mark.slow),
        pytest.param(10_000, 100_000, 1, 250, marks=pytest.mark.slow),
    ],
)
def test_memory_grows_by_hashes_and_by_the_names_of_one_folder(few, many, folders, most):
    """Each picture needs at most ``most`` bytes.

    These are four hashes of 8 bytes, or a name and its key in one folder. An entry with its name
    and path needs more than 900 bytes.
    """
    link(0, few, folders)
    before = peak(few)
    link(few, many, folders)
    after = peak(many)
    print(f'{folders} folders, bytes: {few} pictures {before}, {many} pictures {after}')
    assert after - before < most * (many - few)


def test_each_iteration_gives_the_same_entries(monkeypatch):
    put('a/x.png', 'a/y.png', 'b/x.png', 'list.png')
    type_in(monkeypatch, b'list.png\nb\n')
    sources = open_sources(['a', PICTURE, '@-', 'a/*.png'])
    planned = list(sources.entries())
    again = [(number, entry.place, place) for number, entry, place in sources.entries()]
    assert [(number, entry.place, place) for number, entry, place in planned] == again
    assert [each.number for each in planned] == list(range(7))
    assert [(picture.number, picture.place) for picture in sources] == [
        (each.number, each.place) for each in planned
    ]
    assert [str(each.place) for each in planned] == [
        *('a/x.png', 'a/y.png', 'array-1.png', 'list.png'),
        *('b/x.png', 'a/x-2.png', 'a/y-2.png'),
    ]


def test_a_list_from_a_pipe_is_read_once():
    put('x.png', 'y.png')
    os.mkfifo('pipe')
    writer = Thread(target=Path('pipe').write_bytes, args=[b'x.png\ny.png'])
    writer.start()
    sources = open_sources('@pipe')
    assert [picture.source for picture in sources] == ['x.png', 'y.png']
    writer.join()


def digest(given='photos'):
    return open_sources(given).digest


def test_the_digest_changes_if_pictures_are_added_removed_or_replaced(monkeypatch):
    put('photos/a.png', 'photos/b/c.png')
    first = digest()
    assert re.fullmatch('[0-9a-f]{64}', first)
    os.utime('photos/a.png', (0, 0))
    assert digest() == first
    put('photos/d.png')
    assert digest() != first
    os.remove('photos/d.png')
    assert digest() == first
    put('photos/a.png', content=PNG + b'.')
    assert digest() != first
    put('photos/a.png')
    shutil.copytree('photos', 'elsewhere/photos')  # as on another machine
    monkeypatch.chdir('elsewhere')
    assert digest() == first
    os.rename('photos/a.png', 'photos/e.png')
    assert digest() != first


def test_the_digest_of_standard_input_and_arrays(monkeypatch):
    digests = []
    for content in (PNG, PNG, PNG[:-1]):
        type_in(monkeypatch, content)
        digests.append(digest('-'))
    assert digests[0] == digests[1] != digests[2]
    assert digest(PICTURE) == digest(255 - PICTURE) != digest([PICTURE, PICTURE])


def test_a_change_of_the_sources_during_the_run_is_an_error():
    put('photos/a.png', 'photos/b/c.png')
    sources = open_sources('photos')
    os.rename('photos/b/c.png', 'photos/b/d.png')
    with pytest.raises(RunError, match='Pictures were added to the sources, renamed or removed'):
        list(sources)


def test_numbers_avoid_the_names_of_other_pictures():
    names = ['x.png', 'x.png', 'x-2.png', 'X.png', 'd.png/y.png', 'd.png', 'd.png']
    entries = [SinglePicture(name, f'/{name}', name, None) for name in names]
    # x.png and X.png are different files with an equal name on some systems, so all paths are
    # relative to the common parent, which is the root.
    assert list(map(str, unique_places(entries))) == [
        *('x.png', 'x-3.png', 'x-2.png', 'X-4.png'),
        *('d.png/y.png', 'd-2.png', 'd-3.png'),
    ]


def parts(name):
    found = re.split('([0-9]+)', name)
    found[1::2] = map(int, found[1::2])
    return found


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text('ab01239.-é', max_size=12)), st.randoms(use_true_random=False))
def test_natural_order_compares_numbers_by_value(names, random):
    expected = sorted(sorted(names), key=parts)
    random.shuffle(names)
    sort_naturally(names)
    assert names == expected
