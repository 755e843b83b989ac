"""The authors' optimiser groups and model sizes against our shipped configs: G and H."""

import re

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import build_optim_wrapper

from vitpose_plus.checkpoints.converting import convert
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.models.building import build_on_meta

SIZES = dict(S='small', B='base', L='large', H='huge')
RELEASED = ' (as the released weights have it)'
# Published configs that differ from the released weights, which ours fit: the first describes the
# classic head, the second experts of half the width where the weights have a quarter.
CLASSIC, HALF_EXPERTS = 'ViTPose-S-simple', 'ViTPose+-S'


def shipped(name):
    """Our config by the name of a model: ``ViTPose+-B`` or ``ViTPose-S-simple``."""
    plus, size, simple = re.fullmatch(r'ViTPose(\+?)-([SBLH])(-simple)?', name).groups()
    stem = f'vitpose{"-plus" if plus else ""}-{SIZES[size]}{simple or ""}'
    path = find_config(f'{stem}_{"six-datasets" if plus else "coco"}-256x192')
    return Config.fromfile(path, format_python_code=False)


def published(name, theirs):
    """Our config's model, as the published config has it."""
    if name == CLASSIC:
        return shipped(name.removesuffix('-simple')).model
    model = shipped(name.removesuffix(RELEASED)).model
    if name == HALF_EXPERTS:
        model.backbone.ffn.expert_dim = theirs['backbone']['part_features']
    return model


def test_groups_of_the_optimizer(golden, ours):
    """Every parameter is marked by its group's number, then named by the authors."""
    for name, theirs in golden('G_layer_decay.json')['models'].items():
        cfg = shipped(name)
        model = build_on_meta(cfg.model)
        groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
        number = {n: i for i, group in enumerate(groups) for n in group['param_names']}
        marks = {n: torch.tensor(number[n]).expand(p.shape) for n, p in model.named_parameters()}
        marks = ours.official(marks)
        assert len(groups) == theirs['param_groups']
        assert set(marks) == set(theirs['params'])
        columns = theirs['columns'][1:]
        assert columns == ['lr_scale', 'lr', 'weight_decay']
        for key, (group_name, *values) in theirs['params'].items():
            group = groups[marks[key][(-1,) * marks[key].ndim]]
            assert group['group_name'] == group_name, key
            scale, rate, decay = values
            assert group['lr_scale'] == pytest.approx(scale, rel=1e-9), key
            assert group['lr'] == pytest.approx(rate, rel=1e-9), key
            assert group['weight_decay'] == decay, key


def test_schedule(golden):
    for name, theirs in golden('G_layer_decay.json')['models'].items():
        cfg = shipped(name)
        optimizer = build_optim_wrapper(build_on_meta(cfg.model), cfg.optim_wrapper).optimizer
        given = dict(theirs['optimizer'])
        assert type(optimizer).__name__ == given.pop('type')
        for key, value in given.items():
            found = optimizer.defaults[key]
            assert (list(found) if isinstance(value, list) else found) == value, key
        assert cfg.optim_wrapper.paramwise_cfg.num_layers == theirs['num_layers']
        assert cfg.optim_wrapper.paramwise_cfg.layer_decay_rate == theirs['layer_decay_rate']
        assert cfg.optim_wrapper.clip_grad == theirs['grad_clip']
        warmup, steps = cfg.param_scheduler
        plan = theirs['lr_config']
        assert (warmup.type, steps.type) == ('LinearLR', 'MultiStepLR')
        assert (plan['policy'], plan['warmup']) == ('step', 'linear')
        assert (warmup.end, warmup.start_factor) == (plan['warmup_iters'], plan['warmup_ratio'])
        assert steps.milestones == plan['step']
        assert cfg.train_cfg.max_epochs == theirs['total_epochs']
        assert cfg.train_dataloader.batch_size == theirs['samples_per_gpu']


def test_keys_shapes_and_drop_path(golden):
    """Every official state dict, converted, is that of our config; ours has one row less of
    positions, as the authors' extra row is folded in."""
    models = golden('H_model_keys.json')['models']
    for name, theirs in models.items():
        model = build_on_meta(published(name, theirs))
        state = {k: torch.empty(shape, device='meta') for k, shape in theirs['keys'].items()}
        conversion = convert(state, model=model)
        assert (conversion.source, conversion.dropped) == ('official', {})
        own = {key: value.shape for key, value in model.state_dict().items()}
        assert {key: value.shape for key, value in conversion.state_dict.items()} == own, name
        count = sum(parameter.numel() for parameter in model.parameters())
        assert count + theirs['backbone']['embed_dim'] == theirs['parameters'], name
        rates = [layer.drop_path.drop_prob for layer in model.backbone.layers]
        assert rates == pytest.approx(theirs['drop_path_per_block']), name  # of float32
        heads = {layer.attention.num_heads for layer in model.backbone.layers}
        assert heads == {theirs['backbone']['num_heads']}, name
