"""COCO files of labels: they are read again as the same labels, and ``check-data`` accepts them."""

import json
import os

import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS
from PIL import Image

from tests.datasets.labels.test_formats import assert_same
from vitpose_plus.datasets.checking import check, needs_of
from vitpose_plus.datasets.checking.pictures import loaded_size
from vitpose_plus.datasets.labels import LabelledInstance, read_labels
from vitpose_plus.datasets.labels.boxes import (
    BoxesFromFile,
    BoxesFromPoints,
    WholePictures,
    box_of_points,
)
from vitpose_plus.datasets.labels.guessing import SIGMA
from vitpose_plus.datasets.labels.sizes import size_of
from vitpose_plus.datasets.labels.writing import write_coco
from vitpose_plus.errors import UserError


def report_of(path, folder, labels):
    """What ``check-data`` finds in the file and the pictures."""
    init_default_scope('mmpose')
    number = len(labels.names)
    info = dict(
        dataset_name='mouse',
        keypoint_info={i: dict(name=n, id=i, swap='') for i, n in enumerate(labels.names)},
        skeleton_info={},
        joint_weights=[1.0] * number,
        sigmas=[SIGMA] * number,
    )
    settings = dict(ann_file=str(path), data_prefix=dict(img=f'{folder}/'), metainfo=info)
    dataset = DATASETS.build(
        dict(type='CocoDataset', lazy_init=True, pipeline=[], test_mode=True, **settings)
    )
    needs = needs_of(dataset, dict(type='CocoMetric'))
    assert needs.coco_metric
    assert needs.area
    return check(dataset, needs, None, True, list)


@pytest.mark.parametrize('rule', [BoxesFromFile(), BoxesFromPoints(), WholePictures()])
def test_written_labels_are_read_again_and_pass_the_check(rule, place):
    labels, path = place.labels, place.root / 'annotations' / 'mouse.json'
    labels.pictures[0].instances[0].points[3, 2] = 1
    write_coco(labels, [0, 1, 2], path, 'mouse', rule, place.root)
    read = read_labels([path], place.root)
    for one, other in zip(read.pictures, labels.pictures, strict=True):
        for mine, its in zip(one.instances, other.instances, strict=True):
            np.testing.assert_allclose(mine.box, rule.box(its, other.size_wh), atol=5e-4)
            mine.box = its.box
    assert_same(read, labels)
    report = report_of(path, place.root, labels)
    assert not list(report.findings)
    assert report.counts == dict(images=3, annotations=4, used=4)


def test_parts_have_the_ids_of_the_whole(place):
    def written(name, rows):
        write_coco(place.labels, rows, place.root / name, 'mouse', BoxesFromFile(), place.root)
        return json.loads((place.root / name).read_text())

    whole = written('a.json', range(3))
    parts = [written('b.json', [1]), written('c.json', [2, 0])]
    for key in ('images', 'annotations'):
        ids = sorted((one for part in parts for one in part[key]), key=lambda one: one['id'])
        assert ids == whole[key]
    assert whole['images'][1]['file_name'] == 'film/img1.png'
    assert whole['categories'][0]['skeleton'] == [[1, 2], [1, 3], [1, 4]]
    assert [one['num_keypoints'] for one in whole['annotations']] == [4, 4, 2, 4]


def test_boxes_of_points():
    points = np.array([[10, 20, 2], [50, 40, 1], [99, 99, 0]], float)
    # 0.15 of 40 is 6 pixels; 0.05 of 200 is 10 pixels.
    np.testing.assert_allclose(box_of_points(points, (100, 60)), [4, 14, 52, 32])
    np.testing.assert_allclose(box_of_points(points, (200, 60)), [0, 10, 60, 40])
    np.testing.assert_allclose(box_of_points(points, (100, 60), 0.5), [0, 0, 70, 60])
    np.testing.assert_allclose(box_of_points(points[:1], (100, 60)), [5, 15, 10, 10])


def test_boxes_of_files_are_clipped_or_missing():
    instance = LabelledInstance(np.ones((2, 3)), np.array([-5, 10, 20, 100.0]))
    np.testing.assert_array_equal(BoxesFromFile().box(instance, (64, 48)), [0, 10, 15, 38])
    np.testing.assert_array_equal(WholePictures().box(instance, (64, 48)), [0, 0, 64, 48])
    instance.box = None
    with pytest.raises(UserError, match=r'without a box: draw it .*, or make boxes from'):
        BoxesFromFile().box(instance, (64, 48))


@pytest.mark.parametrize('ending', ['jpg', 'png', 'tif', 'webp', 'bmp'])
@pytest.mark.parametrize('orientation', [1, 3, 6])
def test_sizes_are_those_that_training_loads(ending, orientation, tmp_path):
    path, exif = tmp_path / f'a.{ending}', Image.Exif()
    exif[0x0112] = orientation
    options = dict(exif=exif) if ending != 'bmp' else {}
    Image.new('RGB', (64, 48)).save(path, **options)
    size, is_turned = size_of(path)
    assert size == loaded_size(os.fspath(path))
    assert is_turned == (size == (48, 64))
