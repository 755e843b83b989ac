"""The detector for synthetic figures is trained: it finds people and animals in new pictures."""

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
def pictures(tmp_path_factory):
    """Six pictures that are not in the training set: path -> boxes (N, 4) and classes (N,)."""
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
    """Yields the detected boxes (N, 4) and classes (N,) of every picture."""
    for result in inference_detector(model, list(paths)):
        instances = result.pred_instances
        kept = instances.scores > MIN_SCORE
        yield instances.bboxes[kept].numpy(), instances.labels[kept].numpy()


def matches(detected, true):
    """For each true box: has a detection of the same class an IoU above 0.5 with it?"""
    (boxes, labels), (own, classes) = detected, true
    starts = np.maximum(own[:, None, :2], boxes[:, :2])
    stops = np.minimum(own[:, None, 2:], boxes[:, 2:])
    common = (stops - starts).clip(0).prod(-1)
    areas = [(b[:, 2:] - b[:, :2]).prod(-1) for b in (own, boxes)]
    overlap = common / (areas[0][:, None] + areas[1] - common)
    return ((overlap > 0.5) & (classes[:, None] == labels)).any(1)


def recall(detected, true):
    """The share of the true boxes of all pictures that match a detection."""
    return np.concatenate(list(map(matches, detected, true))).mean()


def test_it_finds_people_and_animals_in_new_pictures(pictures):
    model = init_detector(figures_detector.CONFIG, str(figures_detector.CHECKPOINT), device='cpu')
    true, detected = list(pictures.values()), list(detect(model, pictures))
    assert sum(len(boxes) for boxes, _ in true) > 15
    assert recall(detected, true) > 0.85
    assert recall(true, detected) > 0.85  # the precision
    model.load_state_dict({k: torch.zeros_like(v) for k, v in model.state_dict().items()})
    assert recall(list(detect(model, pictures)), true) < 0.1


def test_its_config_and_classes_are_those_of_the_project():
    dumped, own = figures_detector.CONFIG, figures_detector.PROJECT_CONFIG
    assert Config.fromfile(dumped).to_dict() == Config.fromfile(own).to_dict()
    checkpoint = torch.load(figures_detector.CHECKPOINT, weights_only=True)
    assert checkpoint['meta']['dataset_meta']['classes'] == CLASSES
