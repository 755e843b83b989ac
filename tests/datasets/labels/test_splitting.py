"""Splits: shares, whole groups, the same result for the same seed."""

from pathlib import Path

import numpy as np
import pytest

from vitpose_plus.datasets.labels.splitting import (
    LONGEST_BLOCK,
    BlockSplit,
    FilmSplit,
    ListedSplit,
    RandomSplit,
    films,
    write_held_out,
)
from vitpose_plus.errors import UserError


def paths_of(**numbers):
    """Frames of films, img0 to img..., in another order than that of their numbers."""
    paths = [Path('/data', film, f'img{n}.png') for film in numbers for n in range(numbers[film])]
    return [paths[row] for row in np.random.default_rng(1).permutation(len(paths))]


def frame(path):
    return int(path.stem[3:])


@pytest.mark.parametrize('kind', [RandomSplit, BlockSplit, FilmSplit])
@pytest.mark.parametrize('share', [0.1, 0.2, 0.5])
def test_shares_and_seeds(kind, share):
    paths = paths_of(a=31, b=40, c=33, d=35, e=30, f=31)
    target = share * len(paths)
    largest = dict(RandomSplit=1, BlockSplit=LONGEST_BLOCK, FilmSplit=40)[kind.__name__]
    results = []
    for seed in range(5):
        rows = kind(share, seed).held_out(paths)
        assert rows == kind(share, seed).held_out(paths) == sorted(set(rows))
        assert abs(len(rows) - target) <= largest / 2 + 1
        results.append(tuple(rows))
    assert len(set(results)) > 1


def test_the_films_of_a_split_are_whole():
    paths = paths_of(a=9, b=12, c=10)
    held_out = set(FilmSplit(0.3).held_out(paths))
    assert all(set(rows) <= held_out or not set(rows) & held_out for rows in films(paths).values())


def test_blocks_are_consecutive_frames():
    """116 frames, 23 held out: 3 blocks of 6 or 7; random frames would be about 19 blocks."""
    paths = paths_of(film=116)
    for seed in range(5):
        numbers = sorted(frame(paths[row]) for row in BlockSplit(0.2, seed).held_out(paths))
        blocks = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
        assert len(blocks) <= 4
        assert min(map(len, blocks)) >= 6
        assert 20 <= len(numbers) <= 27


@pytest.mark.parametrize('kind', [RandomSplit, BlockSplit])
@pytest.mark.parametrize('share', [0.01, 0.2, 0.99])
def test_each_part_has_a_picture(kind, share):
    for number in range(2, 12):
        for seed in range(3):
            paths = paths_of(a=number)
            assert 0 < len(kind(share, seed).held_out(paths)) < number
    assert 0 < len(FilmSplit(share).held_out(paths_of(a=9, b=1))) < 10


def test_frames_are_ordered_by_their_numbers():
    rows = films([Path('a/img10.png'), Path('a/img9.png'), Path('a/img1b.png')])
    assert rows == {Path('a'): [2, 1, 0]}


def test_a_list_is_read_as_it_is_written(tmp_path):
    paths = [*paths_of(a=12, b=12), Path('/data/img3.png')]
    rows = [*BlockSplit(0.3).held_out(paths), 24]
    write_held_out(tmp_path / 'held_out.txt', rows, paths)
    assert ListedSplit(tmp_path / 'held_out.txt').held_out(paths) == sorted({*rows})
    assert 'data/img3.png' in (tmp_path / 'held_out.txt').read_text().splitlines()


def test_lists_of_other_systems(tmp_path):
    file = tmp_path / 'held_out.txt'
    file.write_bytes(b'C:\\mice\\a\\img3.png\r\n\r\nb/img4.png\r\n')
    paths = paths_of(a=6, b=6)
    held_out = [paths[row] for row in ListedSplit(file).held_out(paths)]
    assert sorted(held_out) == [Path('/data/a/img3.png'), Path('/data/b/img4.png')]


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a/img1.png\nimg2.png', r'held_out.txt \(line 2\) fits 2 labelled pictures: img2.png'),
        ('a/img9.png', r'held_out.txt \(line 1\) names no labelled picture: a/img9.png: correct'),
        ('', 'held_out.txt lists 0 of 6 pictures: list some, not all'),
        ('\n'.join(map(str, paths_of(a=3, b=3))), 'lists 6 of 6 pictures'),
    ],
)
def test_refused_lists(text, message, tmp_path):
    file = tmp_path / 'held_out.txt'
    file.write_text(text)
    with pytest.raises(UserError, match=message):
        ListedSplit(file).held_out(paths_of(a=3, b=3))


def test_refused_splits(tmp_path):
    with pytest.raises(UserError, match=r'All pictures are in one folder \(/data/a\): hold out bl'):
        FilmSplit().held_out(paths_of(a=3))
    with pytest.raises(UserError, match='have 1 picture: a split needs at least 2'):
        RandomSplit().held_out(paths_of(a=1))
    with pytest.raises(UserError, match=r'is 1.0: give one between 0 and 1'):
        RandomSplit(1.0)
    with pytest.raises(UserError, match=r'none.txt .held-out pictures. cannot be read'):
        ListedSplit(tmp_path / 'none.txt').held_out(paths_of(a=3))
