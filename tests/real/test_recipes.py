"""Every included config trains one step and tests one batch on real pictures of its datasets.

The dataset classes, boxes, crops, optimiser and metrics are those of the config. Small and base
models have their full size, larger models have two layers.
"""

import json
from collections import defaultdict
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.evaluator import Evaluator
from mmengine.optim import build_optim_wrapper
from mmengine.structures import InstanceData
from mmpose.registry import DATASETS, EVALUATORS, MODELS

from vitpose_plus.datasets.multi_dataset import plain_datasets
from vitpose_plus.experiments.catalogue import shipped_configs
from vitpose_plus.models.archs import ARCHS
from vitpose_plus.models.building import deployment_config

pytestmark = pytest.mark.real

TEST_ONLY = 'ochuman'
ANNOTATIONS = 'person_keypoints_val2017.json'
MAX_BOX_SCORE = 0.9  # the detector's scores are scaled to it


def recipe(path, root):
    """Returns the config on the sample pictures; large backbones get two layers."""
    cfg = Config.fromfile(path, format_python_code=False)
    arch = cfg.model.backbone.get('arch')
    if arch in ('large', 'huge', 'giant'):
        cfg.model.backbone.arch = ARCHS[arch]._replace(depth=2)._asdict()
        cfg.optim_wrapper.setdefault('paramwise_cfg', {}).update(num_layers=2)
    cfg.model.backbone.pop('init_cfg', None)  # nothing is downloaded
    if arch:
        cfg.model.backbone.drop_path_rate = 0.0  # no layer is skipped in the only step
    for split in ('train', 'val', 'test'):
        for part in plain_datasets(cfg.get(f'{split}_dataloader', {}).get('dataset', {})):
            for key in ('data_root', 'bbox_file', 'headbox_file'):
                if part.get(key):
                    assert part[key].startswith('data/')
                    part[key] = part[key].replace('data', str(root), 1)
    return cfg


RECIPES = {name: path for name, path in shipped_configs().items() if 'figures' not in name}


@pytest.mark.parametrize('name', RECIPES)
def test_trains_a_step_and_tests_a_batch(name, sample_data):
    cfg = recipe(RECIPES[name], sample_data)
    model = MODELS.build(deployment_config(cfg.model))  # there is no checkpoint of the teacher
    if TEST_ONLY not in name:
        step(model, cfg)
    if 'head' in cfg.model:
        score(model.eval(), cfg)


def step(model, cfg):
    """Runs a training step and checks that it changes exactly the trainable parameters."""
    data = model.data_preprocessor(pseudo_collate(pick(cfg.train_dataloader.dataset, 1)), True)
    optim_wrapper = dict(cfg.optim_wrapper)
    for gpu_only in ('dtype', 'loss_scale', 'accumulative_counts'):
        optim_wrapper.pop(gpu_only, None)
    optimizer = build_optim_wrapper(model, dict(optim_wrapper, type='OptimWrapper'))
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    model.train()
    loss, _ = model.parse_losses(model.loss(**data))
    assert loss.isfinite()
    optimizer.backward(loss)
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name
        if parameter.requires_grad and parameter.ndim > 1:
            assert parameter.grad.abs().sum() > 0, name
    optimizer.step()
    for name, parameter in model.named_parameters():
        assert parameter.isfinite().all(), name
        if parameter.ndim > 1:
            assert torch.equal(parameter, before[name]) != parameter.requires_grad, name


@torch.no_grad()
def score(model, cfg):
    """Runs the first samples of every dataset through flip test, decoding and the metric."""
    samples = pick(cfg.test_dataloader.dataset, 1)
    metainfo = DATASETS.build(dict(cfg.test_dataloader.dataset)).metainfo
    data = model.data_preprocessor(pseudo_collate(samples))
    results = model.predict(**data)
    evaluator = build_evaluator(cfg.test_evaluator)
    evaluator.dataset_meta = metainfo
    evaluator.process(results, pseudo_collate(samples))
    sizes = {name: part['num_keypoints'] for name, part in metainfo.get('datasets', {}).items()}
    for result in results:
        count = sizes.get(result.dataset_name, metainfo['num_keypoints'])
        found = result.pred_instances.keypoints
        assert found.shape[1:] == (count, 2)
        assert len(found) == 1 or cfg.model.type == 'BottomupPoseEstimator'


def build_evaluator(cfg):
    if isinstance(cfg, dict) and cfg['type'] == 'DatasetwiseEvaluator':
        return EVALUATORS.build(cfg)
    return Evaluator(deepcopy(cfg))


def pick(dataset, count):
    """Returns the first samples of every dataset of a loader, after its pipeline."""
    parts = [DATASETS.build(part) for part in plain_datasets(dataset)]
    return [part[i] for part in parts for i in range(count)]


def oracle(sample, people):
    """Sets the keypoints of the person with the best matching box as the prediction.

    A box with a score above all scores of the detector gets wrong keypoints with low scores.
    """
    [box] = sample.gt_instances.bboxes
    person = max(people, key=lambda person: overlap(box, person['bbox']))
    keypoints = np.array(person['keypoints'], dtype=np.float32).reshape(1, -1, 3)[..., :2]
    junk = sample.gt_instances.bbox_scores[0] > MAX_BOX_SCORE
    scores = np.full(keypoints.shape[:2], 0.1 if junk else 1.0, np.float32)
    sample.pred_instances = InstanceData(
        keypoints=keypoints + 1000.0 * junk, keypoint_scores=scores
    )
    return sample


def overlap(xyxy, xywh):
    x, y, w, h = xywh
    wide = min(xyxy[2], x + w) - max(xyxy[0], x)
    high = min(xyxy[3], y + h) - max(xyxy[1], y)
    common = max(wide, 0) * max(high, 0)
    return common / ((xyxy[2] - xyxy[0]) * (xyxy[3] - xyxy[1]) + w * h - common)


def average_precision(cfg, boxes, people, **settings):
    cfg.test_dataloader.dataset.bbox_file = str(boxes)
    dataset = DATASETS.build(cfg.test_dataloader.dataset)
    evaluator = build_evaluator(dict(cfg.test_evaluator, **settings))
    evaluator.dataset_meta = dataset.metainfo
    for packed in dataset:
        sample = packed['data_samples']
        found = oracle(sample, people[sample.img_id])
        evaluator.process([found], dict(inputs=[packed['inputs']], data_samples=[sample]))
    return evaluator.evaluate(len(dataset))['coco/AP']


@pytest.fixture
def detected(sample_data, tmp_path):
    """The config, the people of each picture, the detector's boxes, and a writer of boxes."""
    cfg = recipe(RECIPES['vitpose-small_coco-256x192'], sample_data)
    annotations = json.loads((sample_data / 'coco/annotations' / ANNOTATIONS).read_text())
    people = defaultdict(list)
    for person in annotations['annotations']:
        people[person['image_id']].append(person)
    boxes = json.loads(Path(cfg.test_dataloader.dataset.bbox_file).read_text())
    boxes = [box for box in boxes if box['image_id'] in people and box['score'] > 0.3]
    boxes = [dict(box, score=box['score'] * MAX_BOX_SCORE) for box in boxes]

    def write(boxes):
        (tmp_path / 'boxes.json').write_text(json.dumps(boxes))
        return tmp_path / 'boxes.json'

    return cfg, people, boxes, write


def test_duplicates_of_a_detector_s_boxes_are_suppressed(detected):
    cfg, people, boxes, write = detected
    once = average_precision(cfg, write(boxes), people)
    assert once > 0.9
    twice = write([*boxes, *(dict(box, score=box['score'] * 0.9999) for box in boxes)])
    assert average_precision(cfg, twice, people) == pytest.approx(once)
    assert average_precision(cfg, twice, people, nms_mode='none') < once - 0.1


def test_a_high_box_score_with_low_keypoint_scores_is_rescored(detected):
    cfg, people, boxes, write = detected
    once = average_precision(cfg, write(boxes), people)
    sure = write([*boxes, *(dict(box, score=0.99) for box in boxes)])
    assert average_precision(cfg, sure, people) == pytest.approx(once)
    assert average_precision(cfg, sure, people, score_mode='bbox') < once - 0.1
