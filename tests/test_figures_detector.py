"""The figures detector is a trained one: it finds people and animals in images it never saw."""

import vitpose_plus  # noqa: F401

# isort: split
import json

import numpy as np
import pytest
import torch
from mmdet.apis import inference_detector, init_detector
from mmengine.config import Config

from tests.helpers import figures_detector
from vitpose_plus.datasets.figures.generate import write_set

CLASSES = ('person', 'animal')
MIN_SCORE = 0.4


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    """Six images of another seed than the training's: path -> boxes (N, 4) and classes (N,)."""
    root = tmp_path_factory.mktemp('figures')
    write_set(root, 'mixed', 1, 6, seed=77)
    content = json.loads((root / 'mixed' / 'annotations' / 'boxes_val.json').read_text())
    found = {}
    for image in content['images']:
        own = [a for a in content['annotations'] if a['image_id'] == image['id']]
        corners = np.reshape([a['bbox'] for a in own], (-1, 4))
        corners[:, 2:] += corners[:, :2]
        classes = np.array([a['category_id'] - 1 for a in own], int)
        found[str(root / 'mixed' / 'val' / image['file_name'])] = corners, classes
    return found


def detect(model, paths):
    """Boxes (N, 4) and classes (N,) of every image."""
    for result in inference_detector(model, list(paths)):
        instances = result.pred_instances
        sure = instances.scores > MIN_SCORE
        yield instances.bboxes[sure].numpy(), instances.labels[sure].numpy()


def matches(detected, true):
    """Whether every one of ``true`` has a detection of its class that it overlaps by half."""
    (boxes, labels), (own, classes) = detected, true
    starts = np.maximum(own[:, None, :2], boxes[:, :2])
    stops = np.minimum(own[:, None, 2:], boxes[:, 2:])
    common = (stops - starts).clip(0).prod(-1)
    areas = [(b[:, 2:] - b[:, :2]).prod(-1) for b in (own, boxes)]
    overlap = common / (areas[0][:, None] + areas[1] - common)
    return ((overlap > 0.5) & (classes[:, None] == labels)).any(1)


def recall(detected, true):
    """The share of ``true``, lists of boxes and classes, that have a match in ``detected``."""
    return np.concatenate(list(map(matches, detected, true))).mean()


def test_it_finds_the_people_and_animals_of_new_images(images):
    model = init_detector(figures_detector.CONFIG, str(figures_detector.CHECKPOINT), device='cpu')
    true, detected = list(images.values()), list(detect(model, images))
    assert sum(len(boxes) for boxes, _ in true) > 15
    assert recall(detected, true) > 0.85
    assert recall(true, detected) > 0.85  # what it finds is there
    model.load_state_dict({k: torch.zeros_like(v) for k, v in model.state_dict().items()})
    assert recall(list(detect(model, images)), true) < 0.1


def test_its_folder_is_that_of_the_project():
    dumped, own = figures_detector.CONFIG, figures_detector.PROJECT_CONFIG
    assert Config.fromfile(dumped).to_dict() == Config.fromfile(own).to_dict()
    checkpoint = torch.load(figures_detector.CHECKPOINT, weights_only=True)
    assert checkpoint['meta']['dataset_meta']['classes'] == CLASSES
