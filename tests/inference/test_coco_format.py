"""The COCO files equal those of mmpose's metric, and mmpose's datasets can read them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from mmpose.datasets.transforms import GetBBoxCenterScale, TopdownAffine
from mmpose.evaluation.metrics import CocoMetric, CocoWholeBodyMetric
from mmpose.registry import DATASETS
from pycocotools import coco as coco_file
from pycocotools import cocoeval
from xtcocotools import coco as extended_file
from xtcocotools import cocoeval as extended_cocoeval

from tests.helpers.lines import (
    FIRST,
    MOUSE,
    SECOND,
    instance,
    line_of,
    moved,
    random_instance,
    skeleton_of,
)
from vitpose_plus.datasets.checking import Needs, check_dataset
from vitpose_plus.inference.formats import FORMATS, Predictions


@pytest.fixture
def write(tmp_path):
    """A function that writes both files, and returns their contents and their folder."""

    def write(lines, *skeletons, score=0.3):
        by_name = {skeleton.dataset: skeleton for skeleton in skeletons}
        coco = FORMATS['coco']()
        coco.write(Predictions(lines, by_name, score), tmp_path)
        return [json.loads((tmp_path / name).read_text()) for name in coco.names()], tmp_path

    return write


def random_lines(skeleton, pictures=3, people=3):
    """Lines with duplicates at growing distances; the metric suppresses some of them. The last
    picture has no instances."""
    rng = np.random.default_rng(0)
    lines = []
    for number in range(pictures):
        found = [random_instance(rng, skeleton) for _ in range(people)]
        found += [moved(found[0], by, box_score=0.2) for by in np.linspace(0.5, 20, 40)]
        lines.append(line_of(f'{number}.jpg', *found, image_id=10 + number))
    return [*lines, line_of('nobody.jpg', image_id=99)]


def sample_of(instances, image_id, number, skeleton):
    """A sample for the metric; with crops, each instance of a picture has its own sample."""
    points = np.array([one['keypoints'] for one in instances], np.float32)
    boxes = np.array([one['box'] for one in instances], np.float32)
    scores = np.array([one['box_score'] for one in instances], np.float32)
    predicted = dict(keypoints=points[..., :2], keypoint_scores=points[..., 2], bbox_scores=scores)
    sample = dict(id=[number], img_id=image_id, category_id=1, gt_instances={})
    if skeleton.input_wh is not None:
        sample['id'] = number  # without crops it is a list: mmpose detects whole pictures by this
        cropped = dict(bbox=boxes, img=np.zeros((480, 640, 3), np.uint8))
        for step in (GetBBoxCenterScale(skeleton.padding), TopdownAffine(skeleton.input_wh)):
            cropped = step.transform(cropped)
        predicted['bboxes'] = boxes
        sample['gt_instances'] = dict(bbox_scales=cropped['bbox_scale'])
    return sample | dict(pred_instances=predicted)


def by_the_metric(kind, lines, skeleton, folder, **settings):
    """The results that mmpose writes."""
    groups = [(line['image_id'], line['instances']) for line in lines if line['instances']]
    if skeleton.input_wh is not None:
        groups = [(image_id, [one]) for image_id, found in groups for one in found]
    files = dict(outfile_prefix=str(folder / 'mmpose'), ann_file=str(folder / ANNOTATIONS))
    metric = kind(format_only=True, **files, **settings)
    metric.dataset_meta = dict(
        dataset_name=skeleton.dataset,
        num_keypoints=len(skeleton.names),
        sigmas=np.array(skeleton.sigmas),
    )
    metric.process([], [sample_of(g, i, n, skeleton) for n, (i, g) in enumerate(groups)])
    metric.evaluate(size=len(groups))
    return json.loads((folder / 'mmpose.keypoints.json').read_text())


ANNOTATIONS = 'annotations.coco.json'
BOTTOM_UP = dict(score_mode='bbox', nms_mode='none')


@pytest.mark.parametrize(
    ('dataset', 'input_wh', 'kind', 'settings'),
    [
        ('coco', (192, 256), CocoMetric, {}),
        ('ap10k', (256, 256), CocoMetric, {}),
        ('coco_wholebody', (192, 256), CocoWholeBodyMetric, {}),
        ('coco', None, CocoMetric, BOTTOM_UP),
    ],
    ids=['top-down', 'square crops', 'whole body', 'bottom-up'],
)
def test_results_equal_those_of_the_metric(write, dataset, input_wh, kind, settings):
    _compare(write, skeleton_of(dataset, input_wh), kind, settings)


def test_results_depend_on_the_padding_as_those_of_the_metric(write):
    """A larger area makes the OKS of two instances higher, so more of them are suppressed."""
    coco = skeleton_of('coco')
    few, more = (
        _compare(write, replace(coco, padding=padding), CocoMetric, {}) for padding in (2.0, 1.0)
    )
    assert few < more


def _compare(write, skeleton, kind, settings):
    """Compares with mmpose's metric and returns the number of results."""
    lines = random_lines(skeleton)
    (results, _), folder = write(lines, skeleton)
    expected = by_the_metric(kind, lines, skeleton, folder, **settings)
    everything = sum(len(line['instances']) for line in lines)
    assert len(results) == everything if settings else 12 < len(results) < everything - 12
    for ours, theirs in zip(results, expected, strict=True):
        assert ours.keys() == theirs.keys()
        for name, value in theirs.items():
            np.testing.assert_allclose(ours[name], value, rtol=1e-6, atol=1e-5, err_msg=name)
    return len(results)


def test_without_sigmas_nothing_is_suppressed(write):
    """mmpose has no sigmas for hands."""
    hand = skeleton_of('interhand2d')
    assert hand.sigmas == ()
    one = random_instance(np.random.default_rng(0), hand)
    (results, _), _ = write([line_of('a.jpg', one, one)], hand)
    counted = [score for _, _, score in one['keypoints'] if score > 0.2]
    for result in results:
        np.testing.assert_allclose(result['score'], one['box_score'] * np.mean(counted))
    assert len(results) == 2


def dataset_of(kind, folder, **metainfo):
    settings = dict(ann_file=str(folder / ANNOTATIONS), data_prefix=dict(img=str(folder)))
    return DATASETS.build(dict(type=kind, pipeline=[], lazy_init=True, **settings, **metainfo))


@pytest.mark.parametrize(
    ('dataset', 'kind'),
    [
        ('coco', 'CocoDataset'),
        ('ap10k', 'AP10KDataset'),
        ('coco_wholebody', 'CocoWholeBodyDataset'),
    ],
)
def test_annotations_can_be_read(write, dataset, kind):
    """Our check and mmpose's class read them, with the keypoints above the score."""
    skeleton = skeleton_of(dataset)
    lines = random_lines(skeleton)
    lines[0]['instances'].append(moved(lines[0]['instances'][0], 0))
    for keypoint in lines[0]['instances'][-1]['keypoints']:
        keypoint[2] = 0.5  # equal to the score, not above: the whole instance is left out
    _, folder = write(lines, skeleton, score=0.5)
    for line in lines:
        (folder / line['source']).touch()
    needs = Needs(coco_metric=True, area=True, whole_pictures=True)
    assert check_dataset(dataset_of(kind, folder), needs) == []
    read = dataset_of(kind, folder)
    read.full_init()
    written = [one for line in lines for one in line['instances']]
    written.remove(lines[0]['instances'][-1])
    for ours, theirs in zip(written, read, strict=True):
        points = np.array(ours['keypoints'])
        seen = points[:, 2] > 0.5
        np.testing.assert_array_equal(theirs['keypoints_visible'][0] > 0, seen)
        expected = np.where(seen[:, None], points[:, :2], 0)
        np.testing.assert_allclose(theirs['keypoints'][0], expected, rtol=1e-6)  # float32
        np.testing.assert_allclose(theirs['bbox'][0], ours['box'], rtol=1e-6)
        assert theirs['num_keypoints'] == seen.sum()


@pytest.mark.parametrize(
    ('reader', 'evaluator'),
    [
        (coco_file.COCO, cocoeval.COCOeval),
        (extended_file.COCO, extended_cocoeval.COCOeval),
    ],
    ids=['pycocotools', 'xtcocotools'],
)
def test_results_match_their_own_annotations_exactly(write, reader, evaluator):
    coco = skeleton_of('coco')
    rng = np.random.default_rng(0)
    lines = [line_of(f'{number}.jpg', random_instance(rng, coco)) for number in range(5)]
    lines.append(line_of('nobody.jpg'))
    _, folder = write(lines, coco, score=-1)
    annotated = reader(str(folder / ANNOTATIONS))
    predicted = annotated.loadRes(str(folder / 'predictions.coco.json'))
    evaluation = evaluator(annotated, predicted, 'keypoints')
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1)


def test_annotations_have_the_fields_of_labelling_tools(write):
    """Names of keypoints, links from 1, boxes inside the picture, and integer visibilities."""
    hidden = instance([[1.0, 2.0, 0.25], [3.0, 4.0, 0.3]])
    outside = FIRST | dict(box=[-20.0, 5.0, -10.0, 10.0])
    cut = FIRST | dict(box=[-10.0, 470.25, 30.5, 500.0])
    (_, annotations), folder = write([line_of('b/a.png', hidden, outside, cut)], MOUSE)
    assert '[10.5, 20.25, 2, 30.0, 40.125, 2]' in (folder / ANNOTATIONS).read_text()
    assert annotations['images'] == [dict(id=1, file_name='b/a.png', width=640, height=480)]
    category = dict(id=1, name='mouse', keypoints=['snout', 'tailbase'], skeleton=[[1, 2]])
    assert annotations['categories'] == [category]
    [annotation] = annotations['annotations']
    assert annotation == dict(
        id=1,
        image_id=1,
        category_id=1,
        bbox=[0.0, 470.25, 30.5, 9.75],
        area=30.5 * 9.75,
        segmentation=[],
        iscrowd=0,
        num_keypoints=2,
        keypoints=[10.5, 20.25, 2, 30.0, 40.125, 2],
    )


def test_the_category_of_whole_bodies_has_the_keypoints_of_the_body(write):
    """Hands, feet and face have separate fields, which a category does not describe."""
    body, whole = skeleton_of('coco'), skeleton_of('coco_wholebody')
    (_, annotations), _ = write([], whole)
    [category] = annotations['categories']
    assert tuple(category['keypoints']) == body.names
    assert {frozenset(link) for link in category['skeleton']} == {
        frozenset((a + 1, b + 1)) for a, b in body.links
    }


def test_every_dataset_is_a_category(write):
    """Categories and image ids of the file of boxes are kept."""
    person, animal = skeleton_of('coco'), skeleton_of('ap10k')
    rng = np.random.default_rng(0)
    both = [random_instance(rng, skeleton) for skeleton in (person, animal)]
    cat = random_instance(rng, animal, category_id=21)
    lines = [
        line_of('a.jpg', *both),
        line_of('b.jpg', both[0], cat, image_id=7),
        line_of('c.jpg'),
    ]
    (results, annotations), _ = write(lines, person, animal)
    assert [image['id'] for image in annotations['images']] == [8, 7, 9]
    names = {category['id']: category['name'] for category in annotations['categories']}
    assert names == {1: 'coco', 2: 'ap10k', 21: 'ap10k_21'}
    expected = [(8, 1), (8, 2), (7, 1), (7, 21)]
    for written in (results, annotations['annotations']):
        assert [(one['image_id'], one['category_id']) for one in written] == expected


def test_each_frame_of_a_film_is_a_picture(write):
    lines = [line_of('a/film.mp4', FIRST, frame=number, time=0.0) for number in (0, 12)]
    (_, annotations), _ = write([*lines, line_of('b.png', SECOND)], MOUSE)
    names = [image['file_name'] for image in annotations['images']]
    assert names == ['a/film.mp4/frame_000000.png', 'a/film.mp4/frame_000012.png', 'b.png']


def test_no_picture_gives_empty_lists(write):
    (results, annotations), _ = write([], MOUSE)
    assert results == annotations['images'] == annotations['annotations'] == []
    assert [category['name'] for category in annotations['categories']] == ['mouse']
