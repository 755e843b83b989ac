"""The same labels through every format are the same ``Labels``."""

import re

import numpy as np
import pytest

from tests.helpers.label_files import (
    HAVE_BOXES,
    HAVE_HIDDEN,
    HAVE_LINKS,
    WRITERS,
    dlc_rows,
    example,
    write_dlc,
    write_rows,
)
from vitpose_plus.datasets.labels import Labels, read_labels
from vitpose_plus.errors import UserError


def assert_same(read, expected, boxes=True, links=True):
    assert read.names == expected.names
    assert read.links == (expected.links if links else ())
    assert [p.path.resolve() for p in read.pictures] == [p.path for p in expected.pictures]
    for one, other in zip(read.pictures, expected.pictures, strict=True):
        assert one.size_wh == other.size_wh
        assert len(one.instances) == len(other.instances)
        for mine, its in zip(one.instances, other.instances, strict=True):
            # Label Studio stores percent: two roundings of a number below 100.
            np.testing.assert_allclose(mine.points, its.points, rtol=0, atol=1e-12)
            if boxes:
                np.testing.assert_allclose(mine.box, its.box, rtol=0, atol=1e-12)
            else:
                assert mine.box is None


@pytest.mark.parametrize('name', WRITERS)
def test_every_format_gives_the_same_labels(name, tmp_path):
    labels = example(tmp_path)
    if name in HAVE_HIDDEN:
        labels.pictures[0].instances[0].points[2, 2] = 1
    files = WRITERS[name](labels, tmp_path)
    assert_same(read_labels(files), labels, name in HAVE_BOXES, name in HAVE_LINKS)


@pytest.mark.parametrize('name', WRITERS)
def test_folders_that_moved_are_found_below_pictures(name, tmp_path):
    labels = example(tmp_path / 'old')
    files = WRITERS[name](labels, tmp_path / 'old')
    moved = example(tmp_path / 'new' / 'pictures')
    for picture in labels.pictures:
        picture.path.unlink()
    (tmp_path / 'new' / 'above').symlink_to(tmp_path / 'new', target_is_directory=True)
    read = read_labels(files, tmp_path / 'new')
    assert_same(read, moved, name in HAVE_BOXES, name in HAVE_LINKS)


def test_skeletons_and_boxes_without_groups(tmp_path):
    labels = example(tmp_path)
    [file] = WRITERS['cvat skeletons'](labels, tmp_path)
    file.write_text(re.sub(r' group_id="\d"', '', file.read_text()))
    assert_same(read_labels([file]), labels)


def test_one_animal_and_a_picture_without_labels(tmp_path):
    labels = example(tmp_path)
    labels.pictures[0].instances.clear()
    labels.pictures[1].instances.pop()
    rows = dlc_rows(labels, tmp_path, labels.pictures, ('',), 1)
    read = read_labels([write_rows(tmp_path / 'CollectedData.csv', rows)])
    assert_same(read, labels, boxes=False, links=False)


def test_several_files_and_formats_are_read_together(tmp_path):
    labels = example(tmp_path)
    halves = [
        Labels(labels.names, labels.links, labels.pictures[part])
        for part in (slice(2), slice(2, None))
    ]
    files = WRITERS['coco'](halves[0], tmp_path) + WRITERS['table'](halves[1], tmp_path)
    read = read_labels(files)
    assert read.pictures[2].instances[0].box is None
    read.pictures[2].instances[0].box = labels.pictures[2].instances[0].box
    assert_same(read, labels)


def test_hdf5_is_refused(tmp_path):
    """Reading it with pandas would run the code of pickles in it."""
    path = tmp_path / 'CollectedData_Pranav.h5'
    path.write_bytes(b'\x89HDF')
    message = r'h5 is an HDF5 file.*: give the csv beside it.*\(CollectedData_Pranav.csv\)\.$'
    for place in (path, tmp_path):
        with pytest.raises(UserError, match=message):
            read_labels([place])


def test_a_folder_reads_the_csv_and_not_the_h5_beside_it(tmp_path):
    labels = example(tmp_path)
    write_dlc(labels, tmp_path)
    (tmp_path / 'film' / 'CollectedData_Pranav.h5').touch()
    (tmp_path / 'film' / 'machinelabels.csv').write_text('nothing,of,this\n')
    assert_same(read_labels([tmp_path]), labels, boxes=False, links=False)


def test_windows_paths_and_uploads(tmp_path):
    labels = example(tmp_path)
    rows = [['picture', 'keypoint', 'x', 'y']]
    names = ['C:\\data\\film\\img0.png', '..\\film\\img1.png', 's3://mice/other/0a1b2c3d-img0.png']
    for name, picture in zip(names, labels.pictures, strict=True):
        del picture.instances[1:]
        points = zip(labels.names, picture.instances[0].points.tolist(), strict=True)
        rows += [[name, label, x, y] for label, (x, y, _) in points]
    file = write_rows(tmp_path / 'labels.csv', rows)
    for pictures in (None, tmp_path):
        assert_same(read_labels([file], pictures), labels, boxes=False, links=False)


def test_a_complete_path_is_better_than_a_part_of_a_path(tmp_path):
    labels = example(tmp_path)
    deeper = example(tmp_path / 'copy')
    files = WRITERS['table'](labels, tmp_path)
    assert_same(read_labels(files, tmp_path), labels, boxes=False, links=False)
    files = WRITERS['table'](deeper, tmp_path)
    assert_same(read_labels(files, tmp_path), deeper, boxes=False, links=False)
