"""Predictions are converted to objects of pandas and supervision."""

import sys
from types import SimpleNamespace

import numpy as np
import pandas
import pytest
import supervision
from pyarrow.parquet import ParquetFile

from tests.helpers.lines import COMPLETE, FIRST, MOUSE, SECOND, SMOOTHED, line_of, skeleton_of
from vitpose_plus.errors import UserError
from vitpose_plus.inference.formats import FORMATS, Predictions
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.tables import COLUMNS, to_df, to_supervision


def as_instance(line):
    points = np.array(line['keypoints'], np.float32)
    given = dict(dataset=line['dataset'], box=np.array(line['box']), box_score=line['box_score'])
    return Instance(keypoints=points[:, :2], scores=points[:, 2], **given)


def test_the_table_equals_the_file(tmp_path):
    """A table of results and a table of lines."""
    results = [
        Result('a.png', 640, 480, [as_instance(FIRST), as_instance(SECOND)]),
        Result('nobody.png', 640, 480),
    ]
    lines = [result.to_dict() for result in results]
    skeletons = {'mouse': MOUSE}
    FORMATS['csv']().write(Predictions(lines, skeletons), tmp_path)
    written = pandas.read_csv(tmp_path / 'predictions.csv')
    assert len(written) == 4
    for given in (results, lines):
        table = to_df(given, skeletons)
        pandas.testing.assert_frame_equal(table, written.astype(table.dtypes))


def test_an_empty_table_has_all_columns():
    """They have the same types, so that tables can be joined."""
    nobody, somebody = (
        to_df([line_of('a.png', *found)], {'mouse': MOUSE}) for found in ([], [FIRST])
    )
    assert tuple(nobody.columns) == COLUMNS
    pandas.testing.assert_series_equal(nobody.dtypes, somebody.dtypes)


FILM = [
    line_of('a "b", c\né.png', FIRST, SECOND),
    line_of('nobody.png'),
    line_of('film.mp4', COMPLETE, SECOND, frame=12, time=0.5),
    line_of('film.mp4', SMOOTHED, frame=13, time=0.6),
]


def write_parquet(folder, lines):
    FORMATS['parquet']().write(Predictions(lines, {'mouse': MOUSE}), folder)
    return folder / 'predictions.parquet'


@pytest.mark.parametrize('lines', [FILM, FILM[:2], []], ids=['film', 'pictures', 'nothing'])
def test_parquet_has_the_values_of_csv_and_the_types_of_the_table(lines, tmp_path):
    written = pandas.read_parquet(write_parquet(tmp_path, lines))
    table = to_df(lines, {'mouse': MOUSE})
    pandas.testing.assert_frame_equal(written, table)
    FORMATS['csv']().write(Predictions(lines, {'mouse': MOUSE}), tmp_path)
    csv = pandas.read_csv(tmp_path / 'predictions.csv')
    pandas.testing.assert_frame_equal(written, csv.astype(table.dtypes))


def test_parquet_is_written_group_by_group(tmp_path, monkeypatch):
    """Only one group is in memory. The groups do not change the table."""
    monkeypatch.setattr('vitpose_plus.inference.formats.parquet.ROWS', 3)
    path = write_parquet(tmp_path, FILM)
    metadata = ParquetFile(path).metadata
    assert [metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)] == [3, 3, 3, 1]
    columns = [metadata.row_group(0).column(k) for k in range(len(COLUMNS))]
    assert {column.compression for column in columns} == {'ZSTD'}
    names = [column for column in columns if column.path_in_schema in ('source', 'keypoint')]
    assert all(column.has_dictionary_page for column in names)
    pandas.testing.assert_frame_equal(pandas.read_parquet(path), to_df(FILM, {'mouse': MOUSE}))


def test_parquet_is_complete_or_missing(tmp_path, monkeypatch):
    monkeypatch.setattr('vitpose_plus.inference.formats.parquet.ROWS', 3)

    def lines():
        yield from FILM
        raise OSError('no disk')

    with pytest.raises(OSError, match='no disk'):
        write_parquet(tmp_path, lines())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('package', ['pyarrow', 'pandas'])
def test_without_its_packages_only_parquet_is_refused(package, monkeypatch):
    module = {'pyarrow': 'pyarrow.parquet', 'pandas': 'pandas'}[package]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UserError, match=rf'^--format parquet needs the package {package}: run pip'):
        FORMATS['parquet']()
    assert [kind() for name, kind in FORMATS.items() if name != 'parquet']
    assert FORMATS['parquet'].names() == ('predictions.parquet',)  # the folder needs all names


def result_of(instances, *skeletons):
    skeletons = {skeleton.dataset: skeleton for skeleton in skeletons}
    return SimpleNamespace(instances=instances, skeletons=skeletons)


def test_supervision_gets_points_scores_and_classes():
    """The shorter skeleton is padded with points that are not drawn."""
    animal = skeleton_of('ap10k')
    points = np.arange(34, dtype=np.float32).reshape(17, 2) + 100
    cat = Instance('ap10k', np.zeros(4), 0.5, points, np.full(17, 0.75))
    mouse = as_instance(FIRST)
    found = to_supervision(result_of([cat, mouse], animal, MOUSE))
    assert isinstance(found, supervision.KeyPoints)
    np.testing.assert_array_equal(found.xy[0], points)
    np.testing.assert_array_equal(found.xy[1, :2], mouse.keypoints)
    np.testing.assert_array_equal(found.keypoint_confidence[1, :2], mouse.scores)
    assert not found.xy[1, 2:].any()
    assert not found.keypoint_confidence[1, 2:].any()
    assert found.class_id.tolist() == [0, 1]
    assert found.data['class_name'].tolist() == ['ap10k', 'mouse']
    assert found.detection_confidence.tolist() == [0.5, 1]
    drawn = supervision.VertexAnnotator(radius=1).annotate(np.zeros((200, 200, 3), np.uint8), found)
    inside = [*np.rint(points).astype(int), *np.rint(mouse.keypoints).astype(int)]
    assert all(drawn[y, x].any() for x, y in inside)
    assert not drawn[:5, :5].any()


def test_supervision_gets_an_empty_result():
    found = to_supervision(result_of([], MOUSE))
    assert len(found) == 0
    assert found.xy.shape == (0, 2, 2)


@pytest.mark.parametrize(
    ('package', 'convert'),
    [
        ('pandas', lambda: to_df([], {})),
        ('supervision', lambda: to_supervision(result_of([], MOUSE))),
    ],
)
def test_the_missing_package_is_named(monkeypatch, package, convert):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"{package}: run pip install 'vitpose_plus\[tables\]'"):
        convert()
