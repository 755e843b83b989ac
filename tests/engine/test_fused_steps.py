"""The included configs train with a fused AdamW: the same steps, within rounding, in less time."""

import copy
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmpose.registry import MODELS
from torch import nn

from vitpose_plus.checkpoints.guard import CheckpointGuardHook
from vitpose_plus.engine.finite_steps import FiniteStepsHook
from vitpose_plus.experiments.catalogue import find_config

CONFIGS = ['vitpose-base_coco-256x192', 'mae-base_coco-crops-256x192']
ARCH = dict(depth=12, dim=8, num_heads=2)
STEPS = 5


def wrapper(model, name, **options):
    cfg = Config.fromfile(find_config(name), format_python_code=False).optim_wrapper
    cfg.optimizer.update(options)
    return build_optim_wrapper(model, cfg)


@pytest.fixture
def model():
    """A backbone in a module, where the configs expect it."""
    backbone = MODELS.build(dict(type='ViT', arch=ARCH, input_hw=(32, 32)))
    return nn.ModuleDict(dict(backbone=backbone))


def step(model, optimizer, seed):
    random = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=random)
    optimizer.step()


@pytest.mark.parametrize('name', CONFIGS)
def test_fused_steps_equal_plain_steps_within_rounding(model, name):
    plain = copy.deepcopy(model)
    start = copy.deepcopy(model)
    fused_steps, plain_steps = wrapper(model, name).optimizer, wrapper(plain, name, fused=None)
    for seed in range(STEPS):
        step(model, fused_steps, seed)
        step(plain, plain_steps.optimizer, seed)
    assert all(group['fused'] for group in fused_steps.param_groups)
    parameters = zip(model.parameters(), plain.parameters(), start.parameters(), strict=True)
    for fused, expected, before in parameters:
        moved = (expected - before).abs().max()
        rounding = torch.finfo(torch.float32).eps * (before.abs().max() + moved)
        torch.testing.assert_close(fused, expected, rtol=0, atol=2 * STEPS * rounding.item())
        assert moved > 100 * rounding


@pytest.mark.parametrize(('stored', 'own'), [(None, True), (True, True), (True, False)])
def test_a_resumed_optimiser_is_fused_if_the_config_says_so(stored, own):
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    first, second = (
        OptimWrapper(torch.optim.AdamW(each.parameters(), fused=fused))
        for each, fused in ((model, stored), (other, own))
    )
    step(model, first.optimizer, 0)
    checkpoint = copy.deepcopy(dict(optimizer=first.state_dict(), state_dict=model.state_dict()))
    other.load_state_dict(model.state_dict())
    runner = SimpleNamespace(model=other, _resume=True, optim_wrapper=second)
    CheckpointGuardHook().after_load_checkpoint(runner, checkpoint)
    second.load_state_dict(checkpoint['optimizer'])
    assert second.optimizer.param_groups[0]['fused'] is own
    step(model, first.optimizer, 1)
    step(other, second.optimizer, 1)
    exact = dict(rtol=0, atol=0 if stored == own else 1e-7)
    torch.testing.assert_close(other.weight, model.weight, **exact)


def test_a_resumed_optimiser_of_an_earlier_version_works_with_a_loss_scaler():
    model = nn.Linear(3, 2)
    wrapped = OptimWrapper(torch.optim.AdamW(model.parameters(), fused=True))
    checkpoint = copy.deepcopy(dict(optimizer=wrapped.state_dict(), state_dict=model.state_dict()))
    checkpoint['optimizer']['param_groups'][0]['fused'] = None
    runner = SimpleNamespace(model=model, _resume=True, optim_wrapper=wrapped)
    CheckpointGuardHook().after_load_checkpoint(runner, checkpoint)
    wrapped.load_state_dict(checkpoint['optimizer'])
    before = model.weight.clone()
    scaled_step(model, wrapped.optimizer, 1.0)
    assert not torch.equal(model.weight, before)


def scaled_step(model, optimizer, gradient):
    scaler = torch.amp.GradScaler('cpu', init_scale=2.0)
    scaler.scale((gradient * model.weight).sum()).backward()
    scaler.step(optimizer)
    scaler.update()


def test_a_step_that_a_loss_scaler_leaves_out_is_not_checked():
    """The scaler calls a fused optimiser for every step; one that overflows changes nothing."""
    model = nn.Linear(3, 2, bias=False)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    hook = FiniteStepsHook()
    hook.wrapper = SimpleNamespace(clip_grad_kwargs=None)
    optimizer.register_step_pre_hook(hook._check)
    before = model.weight.clone()
    scaled_step(model, optimizer, torch.inf)
    assert hook.finite is None
    assert torch.equal(model.weight, before)
    model.zero_grad()
    scaled_step(model, optimizer, 1.0)
    assert hook.finite
    assert not torch.equal(model.weight, before)
