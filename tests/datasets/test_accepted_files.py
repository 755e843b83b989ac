"""The checks must accept files of other classes, numbers as names, and users without a home."""

import json
import os
import re
from pathlib import Path

import pytest
from mmengine.registry import init_default_scope
from mmpose.registry import DATASETS

from vitpose_plus.datasets.checking import Needs, before_runs, check_dataset, needs_of
from vitpose_plus.errors import UserError

POSE = [value for point in range(21) for value in (10 + point, 12 + point, 2)]


def annotation(**fields):
    return dict(id=1, image_id=1, category_id=1, iscrowd=0, bbox=[9, 9, 30, 30], **fields)


def dataset(folder, kind, *annotations, names=(), **settings):
    init_default_scope('mmpose')
    (folder / '1.jpg').touch()
    category = dict(id=1, name='one', **(dict(keypoints=list(names)) if names else {}))
    image = dict(id=1, file_name='1.jpg', width=64, height=64)
    content = dict(images=[image], annotations=annotations, categories=[category])
    path = folder / 'a.json'
    path.write_text(json.dumps(content))
    settings = dict(ann_file=str(path), data_prefix=dict(img=str(folder)), **settings)
    return DATASETS.build(dict(type=kind, lazy_init=True, pipeline=[], **settings))


def numbered(names):
    info = {i: dict(name=name, id=i, type='', swap='') for i, name in enumerate(names)}
    number = len(names)
    return dict(
        dataset_name='mine',
        keypoint_info=info,
        skeleton_info={},
        joint_weights=[1.0] * number,
        sigmas=[0.05] * number,
    )


@pytest.mark.parametrize(
    ('kind', 'fields'),
    [
        ('HumanArt21Dataset', dict(keypoints=POSE[:51], keypoints_21=POSE)),
        ('CocoWholeBodyFaceDataset', dict(keypoints=POSE[:51], face_kpts=[5] * 204)),
        ('WFLWDataset', dict(keypoints=[5] * 294, center=[9, 9], scale=0.1, num_keypoints=98)),
        ('FreiHandDataset', dict(keypoints=POSE, segmentation=[])),
    ],
)
def test_classes_that_read_other_fields(tmp_path, kind, fields):
    assert check_dataset(dataset(tmp_path, kind, annotation(**fields)), Needs()) == []
    stray = dataset(tmp_path, kind, annotation(**fields) | dict(image_id=7))
    with pytest.raises(
        UserError, match=r'annotation 1 \(7\) has an image_id that is not in the file'
    ):
        check_dataset(stray, Needs())


@pytest.mark.parametrize(
    ('given', 'known', 'is_order'),
    [
        (['1', '2', '3'], ['0', '1', '2'], True),  # one from 1, the other from 0
        (['1', '3', '2'], ['0', '1', '2'], False),
        (["A'", 'A', 'B'], ["A'", 'A', 'B'], True),  # they differ only in a sign
        (['L_eye', 'R_eye', 'nose'], ['right_eye', 'left_eye', 'nose'], False),
    ],
)
def test_the_order_of_names(tmp_path, given, known, is_order):
    one = annotation(keypoints=POSE[:9])
    part = dataset(tmp_path, 'CocoDataset', one, names=given, metainfo=numbered(known))
    if is_order:
        assert check_dataset(part, Needs()) == []
    else:
        with pytest.raises(UserError, match='is not in the order of the metainfo'):
            check_dataset(part, Needs())


@pytest.mark.parametrize(
    ('given', 'note'),
    [
        (['nose', 'top', 'tail'], None),  # one other word, as in official files
        (
            ['snout', 'top', 'tail'],
            r"keypoint 0 \('snout', metainfo: 'nose'\) .* another name \(2 ",
        ),
        (
            ['nose', 'head'],
            'category 1 has 2 names of keypoints, and the metainfo has 3: make sure',
        ),
        ([], None),
    ],
)
def test_names_that_cannot_be_compared_are_noted(tmp_path, given, note):
    """Two keypoints with other names can have changed places; one cannot."""
    settings = dict(names=given, metainfo=numbered(['nose', 'head', 'tail']))
    part = dataset(tmp_path, 'CocoDataset', annotation(keypoints=POSE[:9]), **settings)
    notes = check_dataset(part, Needs())
    assert len(notes) == (note is not None)
    assert note is None or re.search(note, notes[0])


def test_a_file_of_all_parts_of_a_body_names_the_body(tmp_path):
    """COCO-WholeBody's official files have the 17 names of COCO, and 133 keypoints."""
    parts = dict(foot_kpts=6, face_kpts=68, lefthand_kpts=21, righthand_kpts=21)
    one = annotation(keypoints=POSE[:51], **{name: [9, 9, 1] * n for name, n in parts.items()})
    part = dataset(tmp_path, 'CocoWholeBodyDataset')
    names = [part.metainfo['keypoint_id2name'][number] for number in range(17)]
    part = dataset(tmp_path, 'CocoWholeBodyDataset', one, names=names)
    assert check_dataset(part, Needs()) == []
    names[1:3] = names[2:0:-1]
    part = dataset(tmp_path, 'CocoWholeBodyDataset', one, names=names)
    with pytest.raises(UserError, match='is not in the order of the metainfo'):
        check_dataset(part, Needs())


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(area=0), 'annotation 1 has area 0 but labelled keypoints'),
        (dict(id=-3), 'annotation -3 has an id below 0'),
        (dict(bbox=[50, 50, 9, 9]), 'annotation 1 has no labelled keypoint in its box'),
        (dict(bbox=[0.1, 0.1, 0.5, 0.5]), r'annotation 1 .* has a box .* that is empty'),
    ],
)
def test_values_that_the_metric_cannot_use_are_refused(tmp_path, change, message):
    given = dict(test_mode=True, metainfo=numbered('abc'))
    needs = Needs(coco_metric=True, area=True)
    one = annotation(keypoints=POSE[:9], area=99)
    assert check_dataset(dataset(tmp_path, 'CocoDataset', one, **given), needs) == []
    with pytest.raises(UserError, match=message):
        check_dataset(dataset(tmp_path, 'CocoDataset', one | change, **given), needs)


@pytest.mark.filterwarnings('error::RuntimeWarning')
def test_a_huge_picture_overflows_nothing(tmp_path):
    part = dataset(tmp_path, 'CocoDataset', annotation(keypoints=POSE[:51]))
    file = Path(part.ann_file)
    file.write_text(file.read_text().replace('"width": 64', '"width": 1e308'))
    assert check_dataset(part, Needs()) == []


def test_needs_of_metrics(tmp_path):
    part = dataset(tmp_path, 'PoseTrack18Dataset')
    assert needs_of(part, dict(type='PoseTrack18Metric')) == Needs()  # it reads its own files
    assert needs_of(part, dict(type='CocoMetric')) == Needs(coco_metric=True, area=True)


def test_no_home_and_a_damaged_record(tmp_path, monkeypatch):
    part = dataset(tmp_path, 'CocoDataset', annotation(keypoints=POSE[:51]))
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path / 'cache'))
    assert check_dataset(part, Needs()) == []
    [record] = before_runs.cache_folder().iterdir()
    for damaged in ('', 'null', '[1]', '[' * 10**5, '{"notes": 1, "pictures": [2]}'):
        record.write_text(damaged)
        assert check_dataset(part, Needs()) == []
        assert json.loads(record.read_text()) == dict(notes=[], pictures=['1.jpg'])
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setattr(Path, 'home', no_home)
    assert check_dataset(part, Needs()) == []
    assert Path(os.devnull) in before_runs.cache_folder().parents


def no_home():
    raise RuntimeError('Could not determine home directory.')
