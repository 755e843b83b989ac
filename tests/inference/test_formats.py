"""The files of predictions have the formats of other programs and of mmpose."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas
import pytest

from tests.helpers.lines import (
    COMPLETE,
    FIRST,
    MOUSE,
    SECOND,
    SMOOTHED,
    instance,
    line_of,
    skeleton_of,
)
from vitpose_plus.errors import UserError
from vitpose_plus.inference.formats import FORMATS, Predictions
from vitpose_plus.inference.formats.text import write_list
from vitpose_plus.inference.tables import COLUMNS

GOLDEN = Path(__file__).parent / 'golden'


@pytest.fixture
def write(tmp_path):
    """A function that writes lines in a format into a new folder."""

    def write(name, lines, skeletons=None, score=0.3):
        folder = tmp_path / 'predictions'
        FORMATS[name]().write(Predictions(lines, skeletons or {'mouse': MOUSE}, score), folder)
        return folder

    return write


def files_in(folder):
    files = filter(Path.is_file, folder.rglob('*'))
    return sorted(file.relative_to(folder).as_posix() for file in files)


# All formats


@pytest.mark.parametrize('name', FORMATS)
@pytest.mark.parametrize('lines', [[], [line_of('a.png')]], ids=['no picture', 'nobody'])
def test_a_format_writes_the_files_that_it_names(write, name, lines):
    folder = write(name, lines)
    written = {path.name for path in folder.iterdir()} if folder.exists() else set()
    assert written == set(FORMATS[name]().names())
    for path in folder.rglob('*.json'):
        json.loads(path.read_text())


def test_the_values_of_a_list_are_written_one_by_one():
    file = io.StringIO()

    def values():
        for number in range(3):
            yield [number]
            assert file.getvalue().endswith(f'[{number}]')

    write_list(file, values())
    assert json.loads(file.getvalue()) == [[0], [1], [2]]


# csv


def test_csv_has_a_row_for_every_keypoint(write):
    source = 'a "b", c\né.png'
    lines = [
        line_of(source, FIRST, SECOND),
        line_of('nobody.png'),
        line_of('film.mp4', COMPLETE, frame=12, time=0.5),
    ]
    with open(write('csv', lines) / 'predictions.csv', encoding='utf-8', newline='') as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == COLUMNS
    box = ['1.0', '1.0', '0.0', '50.0', '60.0']  # score and corners
    picture, plain = [source, '', ''], ['', '', 'False', '', '', 'False']
    snout, tailbase = ['snout', '10.5', '20.25', '0.9'], ['tailbase', '30.0', '40.125', '0.8']
    film = ['film.mp4', '12', '0.5', '0', '3', 'mouse', *box]
    assert rows == [
        [*picture, '0', '', 'mouse', *box, *snout, *plain],
        [*picture, '0', '', 'mouse', *box, *tailbase, *plain],
        [*picture, '1', '', 'mouse', *box, 'snout', '1.0', '2.0', '0.5', *plain],
        [*picture, '1', '', 'mouse', *box, 'tailbase', '3.0', '4.0', '0.25', *plain],
        [*film, *snout, '11.5', '21.25', 'True', '1.5', '3.5', 'False'],
        [*film, *tailbase, '31.0', '41.125', 'True', '2.5', '4.5', 'True'],
    ]


# dlc


@pytest.mark.parametrize(
    ('name', 'lines'),
    [
        ('dlc_single', [line_of('a/1.png'), line_of('a/2.png', FIRST)]),
        ('dlc_multi', [line_of('a/1.png', FIRST, SECOND), line_of('a/2.png', SECOND)]),
    ],
)
def test_dlc_equals_the_golden_table(write, name, lines):
    folder = write('dlc', lines)
    assert files_in(folder) == ['dlc/mouse/pictures.csv']
    written = (folder / 'dlc/mouse/pictures.csv').read_text()
    assert written == (GOLDEN / f'{name}.csv').read_text()


def test_pandas_reads_a_table_of_dlc_with_the_same_numbers(write):
    """The first picture has no instances."""
    path = write('dlc', [line_of('1.png'), line_of('2.png', FIRST)]) / 'dlc/mouse/pictures.csv'
    table = pandas.read_csv(path, header=[0, 1, 2], index_col=0)
    assert list(table.index) == ['1.png', '2.png']
    assert table.loc['1.png'].isna().all()
    points = np.array(FIRST['keypoints'])
    for name, point in zip(('snout', 'tailbase'), points, strict=True):
        row = table.loc['2.png', ('vitpose_plus', name)]
        assert row[['x', 'y', 'likelihood']].tolist() == point.tolist()


def test_pandas_reads_an_empty_table_of_dlc(write):
    path = write('dlc', []) / 'dlc/mouse/pictures.csv'
    table = pandas.read_csv(path, header=[0, 1, 2], index_col=0)
    assert table.shape == (0, 6)
    assert table.columns[2] == ('vitpose_plus', 'snout', 'likelihood')


def test_dlc_has_a_table_for_every_film_with_the_tracks_as_individuals(write):
    """Films with the same name have different tables."""
    track = {number: FIRST | dict(id=number) for number in (2, 10)}
    lines = [
        line_of('a/film.mp4', track[10], frame=0, time=0.0),
        line_of('a/film.mp4', SECOND, track[2], track[10], frame=1, time=0.1),
        line_of('picture.png', FIRST),
        line_of('../a/film.mp4', FIRST, frame=0, time=0.0),
        line_of('../a/film.mp4', frame=1, time=0.1),
    ]
    folder = write('dlc', lines) / 'dlc/mouse'
    assert files_in(folder) == ['a/film.mp4.csv', 'a/film.mp4_2.csv', 'pictures.csv']
    table = pandas.read_csv(folder / 'a/film.mp4.csv', header=[0, 1, 2, 3], index_col=0)
    assert list(table.index) == [0, 1]
    names = ['individual1', 'track2', 'track10']
    assert list(dict.fromkeys(table.columns.get_level_values('individuals'))) == names
    x = table.xs(('snout', 'x'), axis=1, level=('bodyparts', 'coords'))
    np.testing.assert_array_equal(x, [[np.nan, np.nan, 10.5], [1, 10.5, 10.5]])
    other = pandas.read_csv(folder / 'a/film.mp4_2.csv', header=[0, 1, 2], index_col=0)
    assert list(other.index) == [0, 1]


def test_dlc_has_a_second_table_for_films_with_smoothed_instances(write):
    """It differs from the first table in the positions. The first table has the raw positions."""
    raw = FIRST | dict(id=3)
    lines = [
        line_of('film.mp4', SECOND, frame=0, time=0.0),
        line_of('film.mp4', SECOND, SMOOTHED, frame=1, time=0.1),
        line_of('film.mp4', frame=2, time=0.2),
        line_of('raw.mp4', SECOND, frame=0, time=0.0),
        line_of('raw.mp4', SECOND, raw, frame=1, time=0.1),
        line_of('raw.mp4', frame=2, time=0.2),
    ]
    folder = write('dlc', lines) / 'dlc/mouse'
    assert files_in(folder) == ['film.mp4.csv', 'film.mp4_filtered.csv', 'raw.mp4.csv']
    assert (folder / 'film.mp4.csv').read_text() == (folder / 'raw.mp4.csv').read_text()
    table, filtered = (
        pandas.read_csv(folder / f'film.mp4{end}.csv', header=[0, 1, 2, 3], index_col=0)
        for end in ('', '_filtered')
    )
    pandas.testing.assert_index_equal(filtered.columns, table.columns)
    pandas.testing.assert_index_equal(filtered.index, table.index)
    track = filtered.loc[1, ('vitpose_plus', 'track3')].to_numpy().reshape(2, 3)
    np.testing.assert_array_equal(track, np.c_[SMOOTHED['smoothed'], [0.9, 0.8]])
    assert filtered.count().sum() == track.size  # everything else is missing
    assert table.count().sum() == 3 * track.size


# openpose


def test_openpose_equals_the_golden_file(write):
    folder = write('openpose', [line_of('photos/a.png', FIRST, SECOND | dict(id=7))])
    written = (folder / 'openpose/mouse/a_keypoints.json').read_text()
    assert written == (GOLDEN / 'openpose.json').read_text().rstrip('\n')


def test_openpose_has_a_file_for_every_picture_and_frame(write):
    sources = ['b/a.png', 'b/a.jpg', '../c/a.png', '/d/../x:y.png', 'https://h/e.jpg?q=1/2', '']
    lines = [
        line_of(source, instance([[number, 1, 1]] * 2)) for number, source in enumerate(sources)
    ]
    lines += [line_of('b/3.mp4', frame=number, time=0.0) for number in (0, 12)]
    folder = write('openpose', lines) / 'openpose/mouse'
    expected = [
        'b/a_keypoints.json',
        'b/a_2_keypoints.json',
        'c/a_keypoints.json',
        'd/x_y_keypoints.json',
        'https_/h/e.jpg_q=1/2_keypoints.json',
        'picture_keypoints.json',
    ]
    for number, name in enumerate(expected):
        content = json.loads((folder / name).read_text())
        assert content['people'][0]['pose_keypoints_2d'] == [number, 1, 1] * 2
    frames = ['b/3.mp4_json/3_000000000000_keypoints.json']
    frames += ['b/3.mp4_json/3_000000000012_keypoints.json']
    assert files_in(folder) == sorted(expected + frames)
    # Pose2Sim finds the number of a frame in this way.
    assert [int(re.split(r'(\d+)', name)[-2]) for name in frames] == [0, 12]


def test_openpose_leaves_out_the_folders_that_all_sources_share(write):
    lines = [line_of(f'/films/{name}.png') for name in ('cam1/1', 'cam2/1')]
    folder = write('openpose', lines) / 'openpose/mouse'
    assert files_in(folder) == ['cam1/1_keypoints.json', 'cam2/1_keypoints.json']


def test_a_long_name_is_shortened(write):
    folder = write('openpose', [line_of('é' * 120 + '.png')]) / 'openpose/mouse'
    [file] = files_in(folder)
    assert file == 'é' * 98 + '_keypoints.json'


@pytest.mark.parametrize('name', ['dlc', 'openpose'])
def test_every_dataset_has_a_folder(write, name):
    skeletons = {'mouse': MOUSE, 'ap10k': skeleton_of('ap10k')}
    animal = instance([[1, 2, 0.5]] * 17, dataset='ap10k')
    folder = write(name, [line_of('a.png', FIRST, animal)], skeletons) / name
    assert sorted(path.name for path in folder.iterdir()) == ['ap10k', 'mouse']


@pytest.mark.parametrize('name', ['dlc', 'openpose'])
def test_an_earlier_folder_is_not_replaced(write, name):
    write(name, [])
    with pytest.raises(UserError, match=rf'{name} exists: give another name, or move it away'):
        write(name, [])
