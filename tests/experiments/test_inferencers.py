"""mmpose's inferencers run our plain models, and give the same as mmpose's functions."""

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmpose.apis import MMPoseInferencer, inference_bottomup, inference_topdown, init_model
from mmpose.datasets.datasets.utils import parse_pose_metainfo
from mmpose.registry import MODELS

from tests.helpers.comparing import assert_same
from vitpose_plus.checkpoints import writing
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.models.building import deployment_config

TOPDOWN, BOTTOM_UP = 'vitpose-tiny_figures-128x96', 'vitpose-bottomup-tiny_figures-128x128'
ARCH = dict(depth=1, dim=64, num_heads=2)
# One config for every dataset and every decoder.
KINDS = [
    *(f'vitpose-small_{name}-256x192' for name in ('aic', 'ap10k', 'apt36k', 'mpii')),
    *(f'vitpose-base_{name}-256x192' for name in ('coco-wholebody', 'crowdpose', 'interhand2d')),
    *(f'vitpose-base{name}_coco-256x192' for name in ('', '-simple', '-distill-token')),
]


@pytest.fixture
def picture(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (12, 10, 3), dtype=np.uint8)
    path = str(tmp_path / 'picture.png')
    cv2.imwrite(path, cv2.resize(noise, (200, 240), interpolation=cv2.INTER_CUBIC))
    return path


def random_weights(config, path):
    model = MODELS.build(Config.fromfile(config, format_python_code=False).model)
    for name, value in model.state_dict().items():  # heads start at 0.001
        if 'head' in name and value.is_floating_point():
            value.copy_(torch.rand_like(value) * 0.4)
    writing.write(path, model.state_dict())
    return str(path)


def shallow(name):
    """Returns a config with its deployed model, reduced to one layer."""
    cfg = Config.fromfile(find_config(name), format_python_code=False)
    cfg.model = deployment_config(cfg.model)
    cfg.model.backbone.arch = dict(ARCH)
    cfg.model.head.in_channels = ARCH['dim']
    return cfg


def poses(inferencer, picture):
    [result] = list(inferencer(picture, return_datasamples=True))
    [sample] = result['predictions']
    found = sample.pred_instances
    return found.keypoints, found.keypoint_scores


def test_topdown_equals_inference_topdown_with_the_whole_picture_as_box(picture, tmp_path):
    config = find_config(TOPDOWN)
    weights = random_weights(config, tmp_path / 'w.pth')
    inferencer = MMPoseInferencer(config, weights, device='cpu', det_model='whole_image')
    keypoints, scores = poses(inferencer, picture)
    model = init_model(config, weights, device='cpu')
    [expected] = inference_topdown(model, picture, np.array([[0, 0, 200, 240]]))
    assert keypoints.std(axis=1).min() > 5  # pixels: not all in one place
    assert_same(torch.tensor(keypoints), torch.tensor(expected.pred_instances.keypoints))
    assert_same(torch.tensor(scores), torch.tensor(expected.pred_instances.keypoint_scores))


def test_bottom_up_equals_inference_bottomup(picture, tmp_path):
    config = find_config(BOTTOM_UP)
    weights = random_weights(config, tmp_path / 'w.pth')
    keypoints, scores = poses(MMPoseInferencer(config, weights, device='cpu'), picture)
    model = init_model(config, weights, device='cpu')
    [expected] = inference_bottomup(model, picture)
    assert len(keypoints)
    assert_same(torch.tensor(keypoints), torch.tensor(expected.pred_instances.keypoints))
    assert_same(torch.tensor(scores), torch.tensor(expected.pred_instances.keypoint_scores))


@pytest.mark.parametrize('name', KINDS)
def test_every_kind_of_plain_config_runs(name, picture):
    cfg = shallow(name)
    inferencer = MMPoseInferencer(cfg, device='cpu', det_model='whole_image')
    keypoints, _ = poses(inferencer, picture)
    head = cfg.model.head
    assert keypoints.shape[1:] == (head.get('num_keypoints', head.get('out_channels')), 2)
    assert np.isfinite(keypoints).all()


def test_a_dataset_that_is_only_tested_on_needs_keypoints_in_the_checkpoint(picture, tmp_path):
    """mmpose reads them from the checkpoint of a training, or from the training set."""
    cfg = shallow('vitpose-small_ochuman-256x192')
    keypoints = parse_pose_metainfo(dict(from_file='configs/_base_/datasets/coco.py'))
    state = MODELS.build(cfg.model).state_dict()
    torch.save(dict(state_dict=state, meta=dict(dataset_meta=keypoints)), tmp_path / 'w.pth')
    inferencer = MMPoseInferencer(
        cfg, str(tmp_path / 'w.pth'), device='cpu', det_model='whole_image'
    )
    assert poses(inferencer, picture)[0].shape == (1, 17, 2)
