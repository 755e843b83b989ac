"""A backbone starts from any checkpoint, or refuses it before anything is written."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import MODELS

from tests.helpers.models import KEYPOINTS, SIX, plain, plus, same
from vitpose_plus.checkpoints import convert
from vitpose_plus.checkpoints.starts import find_start
from vitpose_plus.engine.starting import (
    check_start,
    fetch_checkpoints,
    report_start,
    start_at_random,
    start_from,
)
from vitpose_plus.errors import UserError
from vitpose_plus.models.building import build_on_meta


def config(**changes):
    """The config of a plain model with the backbone of ``tests.helpers.models``."""
    backbone = dict(type='ViT', arch=dict(depth=2, dim=16, num_heads=2), input_hw=(64, 48))
    head = dict(type='HeatmapHead', in_channels=16, out_channels=3, deconv_out_channels=())
    head.update(deconv_kernel_sizes=())
    model = dict(type='TopdownPoseEstimator', backbone=dict(backbone, **changes), head=head)
    return Config(dict(model=model))


def started(cfg, *start):
    """The weights of the backbone, and the lines of the log."""
    start_from(cfg.model.backbone, *start)
    fetch_checkpoints(cfg)
    check_start(cfg, build_on_meta(cfg.model).backbone)
    lines = []
    report_start(cfg, SimpleNamespace(info=lines.append, warning=lines.append))
    model = MODELS.build(cfg.model)
    model.init_weights()
    return model.backbone.state_dict(), lines


@pytest.fixture
def six(tmp_path, monkeypatch):
    """A ViTPose+ in the authors' layout."""
    monkeypatch.chdir(tmp_path)
    state = convert(plus(SIX, KEYPOINTS).state_dict(), target='official').state_dict
    state['backbone.cls_token'] = torch.zeros(1, 1, 16)
    torch.save(state, 'six.pth')
    return 'six.pth'


def folded(*start):
    return {k.removeprefix('backbone.'): v for k, v in find_start(*start).folded().items()}


def test_a_plain_model_starts_from_one_expert(six):
    state, [line] = started(config(), six, 'mpii')
    same(state, folded(six, 'mpii'))
    first, [other] = started(config(), six)
    same(first, folded(six, 'coco'))
    assert line == (
        "The backbone starts from six.pth (the authors' layout): 29 tensors; the expert of mpii is "
        "folded into plain FFNs; left out: head, 'backbone.cls_token' (a class token, which the "
        "authors' model does not use), the experts of coco, aic, ap10k, apt36k, coco_wholebody."
    )
    assert 'the expert of coco is folded' in other


def test_positions_of_another_size_are_resized(six):
    state, _ = started(config(input_hw=(96, 96)), six)
    assert state['pos_embed'].shape == (1, 6, 6, 16)
    same(state, {**folded(six), 'pos_embed': state['pos_embed']})


def test_prefix_tokens_start_from_random_values(six):
    state, _ = started(config(num_prefix_tokens=2), six)
    assert set(state) - set(folded(six)) == {'prefix_tokens'}


def test_a_model_with_experts_starts_from_all_of_them(six):
    cfg = config(ffn=dict(type='PartiallySharedFFN', num_experts=6))
    state, [line] = started(cfg, six)
    assert len(state['layers.0.ffn.experts.weight']) == 6
    assert 'folded' not in line
    with pytest.raises(UserError, match=r'The model has experts of its own.* --expert aic out'):
        started(cfg, six, 'aic')
    fewer = config(ffn=dict(type='PartiallySharedFFN', num_experts=1))
    message = (
        'six.pth has 6 experts, but the model has 1: give a ViTPose. with as many; leave --pre'
    )
    with pytest.raises(UserError, match=message):
        started(fewer, six)
    torch.save(plain().state_dict(), 'plain.pth')
    with pytest.raises(UserError, match=r'belongs to another model.*; run .* convert IN OUT'):
        started(cfg, 'plain.pth')


def test_another_architecture_is_refused_with_both(six):
    cfg = config(arch=dict(depth=3, dim=16, num_heads=2), patch=dict(kernel_size=8, stride=8))
    message = (
        'six.pth has 2 layers of width 16 and patches of 16x16, but the model has 3 layers of '
        'width 16 and patches of 8x8: '
    )
    with pytest.raises(UserError, match=f'{message}give a start of this architecture'):
        started(cfg, six)
    for name in ('config.py', 'dataset.py'):
        Path('mouse').mkdir(exist_ok=True)
        Path('mouse', name).touch()
    cfg.dump('mouse/config.py')
    cfg = Config.fromfile('mouse/config.py')
    remedy = 'write mouse again with vitpose new-dataset NAME LABELS --pretrained six.pth'
    with pytest.raises(UserError, match=f'{message}{remedy}'):
        started(cfg, six)


def test_experts_are_for_vision_transformers(six):
    cfg = Config(dict(model=dict(backbone=dict(type='ResNet', depth=18))))
    start_from(cfg.model.backbone, six)
    assert cfg.model.backbone.init_cfg.type == 'Pretrained'
    with pytest.raises(UserError, match=r'--expert coco is for .* ViT: leave it out'):
        start_from(cfg.model.backbone, six, 'coco')


def test_a_start_can_be_removed_again(six):
    cfg = config()
    start_from(cfg.model.backbone, six)
    start_at_random(cfg.model.backbone)
    assert 'init_cfg' not in cfg.model.backbone
