"""The synthetic images of several people and animals, and their three annotation files."""

import vitpose_plus  # noqa: F401

# isort: split
import json
from collections import Counter
from itertools import combinations

import cv2
import mmdet.datasets
import numpy as np
import pytest
from mmengine.registry import init_default_scope
from mmpose.datasets.datasets import AP10KDataset, CocoDataset

from vitpose_plus.datasets.figures import animal, mixed
from vitpose_plus.datasets.figures.draw import OCCLUDER
from vitpose_plus.datasets.figures.figure import MAX_LAYERS
from vitpose_plus.datasets.figures.generate import write_set

NUM = {'train': 36, 'val': 3}
SPLITS = pytest.mark.parametrize('split', NUM)
KINDS = ('people', 'animals')


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp('figures')
    write_set(folder, 'mixed', NUM['train'], NUM['val'], seed=3)
    return folder / 'mixed'


def read(root, name, split):
    return json.loads((root / 'annotations' / f'{name}_{split}.json').read_text())


def boxes_by_image(content):
    """Id of every image -> x1, y1, x2, y2 (N, 4) of its figures, from back to front."""
    boxes = {image['id']: [] for image in content['images']}
    for annotation in content['annotations']:
        x, y, w, h = annotation['bbox']
        boxes[annotation['image_id']].append((x, y, x + w, y + h))
    return {image: np.reshape(found, (-1, 4)) for image, found in boxes.items()}


@SPLITS
def test_all_files_list_all_images(root, split):
    images = read(root, 'boxes', split)['images']
    assert len(images) == NUM[split]
    assert len({(image['width'], image['height']) for image in images}) == NUM[split]
    for image in images:
        pixels = cv2.imread(str(root / split / image['file_name']))
        assert pixels.shape == (image['height'], image['width'], 3)
        assert 480 <= image['width'] <= 720
        assert 360 <= image['height'] <= 540
    for kind in KINDS:
        assert read(root, kind, split)['images'] == images


@SPLITS
def test_a_figure_has_one_box_and_the_keypoints_of_its_kind(root, split):
    detected = read(root, 'boxes', split)
    assert {c['id']: c['name'] for c in detected['categories']} == {1: 'person', 2: 'animal'}
    boxes = {annotation['id']: annotation for annotation in detected['annotations']}
    assert len(boxes) == len(detected['annotations'])
    labelled = {}
    for number, kind in enumerate(KINDS, 1):
        for annotation in read(root, kind, split)['annotations']:
            labelled[annotation['id']] = annotation | {'category_id': number}
    assert set(labelled) == set(boxes)  # here, every figure has at least five keypoints
    for number, box in boxes.items():
        assert box.items() <= labelled[number].items()


def test_animals_have_the_category_ids_of_ap10k(root):
    content = read(root, 'animals', 'train')
    names = {category['id']: category['name'] for category in content['categories']}
    assert names == {species.number: name for name, species in animal.SPECIES.items()}
    assert {a['category_id'] for a in content['annotations']} == set(names)


def test_number_size_and_distance_of_figures_vary(root):
    boxes = boxes_by_image(read(root, 'boxes', 'train'))
    counts = Counter(len(found) for found in boxes.values())
    assert set(counts) == set(range(mixed.MOST_FIGURES + 1))
    assert 1 <= counts[0] <= 6  # one in twelve
    sizes = [(box[2:] - box[:2]).max() for found in boxes.values() for box in found]
    assert 15 < min(sizes) < 30
    assert 200 < max(sizes) < 300
    pairs = [pair for found in boxes.values() for pair in combinations(found, 2)]
    covered = np.array([share_covered(*pair) for pair in pairs])
    assert covered.max() > 0.3
    assert (covered == 0).mean() > 0.5


def share_covered(first, second):
    """The common area of two boxes, as a share of the smaller box."""
    common = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    return common.clip(0).prod() / min((box[2:] - box[:2]).prod() for box in (first, second))


def test_no_figure_is_covered_much():
    for seed in range(12):
        figures = mixed.compose_mixed(np.random.default_rng([5, seed])).figures
        for first, second in combinations(figures, 2):
            assert share_covered(first.box, second.box) < mixed.MAX_COVERED


@pytest.mark.parametrize('kind', KINDS)
def test_keypoints_behind_others_are_hidden(root, kind):
    boxes = boxes_by_image(read(root, 'boxes', 'train'))
    hidden = {True: [], False: []}
    for annotation in read(root, kind, 'train')['annotations']:
        *_, number = divmod(annotation['id'], 10)
        others = np.delete(boxes[annotation['image_id']], number, axis=0)
        for x, y, v in np.reshape(annotation['keypoints'], (-1, 3)):
            near = (others[:, :2] <= (x, y)).all(1) & (others[:, 2:] >= (x, y)).all(1)
            if v:
                hidden[bool(near.any())].append(v == 1)
    assert np.mean(hidden[True]) > 1.2 * np.mean(hidden[False])  # an animal hides its far side


def test_marks_of_all_layers_fit_into_a_byte():
    assert mixed.MOST_FIGURES * MAX_LAYERS + MAX_LAYERS - 1 < OCCLUDER == np.iinfo(np.uint8).max


@SPLITS
@pytest.mark.parametrize(('cls', 'kind'), [(CocoDataset, 'people'), (AP10KDataset, 'animals')])
def test_mmpose_loads_the_keypoints(root, cls, kind, split):
    dataset = cls(ann_file=f'annotations/{kind}_{split}.json', data_root=str(root))
    assert len(dataset) == len(read(root, kind, split)['annotations']) > 0


@SPLITS
def test_mmdet_loads_the_boxes_and_the_empty_images(root, split):
    init_default_scope('mmdet')
    dataset = mmdet.datasets.CocoDataset(
        ann_file=f'annotations/boxes_{split}.json',
        data_root=str(root),
        data_prefix=dict(img=f'{split}/'),
        metainfo=dict(classes=('person', 'animal')),
    )
    content = read(root, 'boxes', split)
    boxes = boxes_by_image(content)
    assert len(dataset) == NUM[split]
    for info in map(dataset.get_data_info, range(len(dataset))):
        loaded = [instance['bbox'] for instance in info['instances']]
        np.testing.assert_allclose(np.reshape(loaded, (-1, 4)), boxes[info['img_id']])
