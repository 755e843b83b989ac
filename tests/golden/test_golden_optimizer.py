"""Our included configs have the authors' optimiser groups and model sizes: G and H."""

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
# Two published configs differ from the released weights; our configs fit the weights. The first has
# the classic head. The second has experts of half the width, but the weights have a quarter.
CLASSIC, HALF_EXPERTS = 'ViTPose-S-simple', 'ViTPose+-S'


def shipped(name):
    """Our config for the name of a model, such as ``ViTPose+-B`` or ``ViTPose-S-simple``."""
    plus, size, simple = re.fullmatch(r'ViTPose(\+?)-([SBLH])(-simple)?', name).groups()
    stem = f'vitpose{"-plus" if plus else ""}-{SIZES[size]}{simple or ""}'
    path = find_config(f'{stem}_{"six-datasets" if plus else "coco"}-256x192')
    return Config.fromfile(path, format_python_code=False)


def published(name, official):
    """The model of our config, changed where the published config differs."""
    if name == CLASSIC:
        return shipped(name.removesuffix('-simple')).model
    model = shipped(name.removesuffix(RELEASED)).model
    if name == HALF_EXPERTS:
        model.backbone.ffn.expert_dim = official['backbone']['part_features']
    return model


def test_groups_of_the_optimizer(golden, ours):
    """Each parameter is replaced by the number of its group, and then gets the authors' name."""
    for name, official in golden('G_layer_decay.json')['models'].items():
        cfg = shipped(name)
        model = build_on_meta(cfg.model)
        groups = build_optim_wrapper(model, cfg.optim_wrapper).optimizer.param_groups
        number = {n: i for i, group in enumerate(groups) for n in group['param_names']}
        groups_of = {
            n: torch.tensor(number[n]).expand(p.shape) for n, p in model.named_parameters()
        }
        groups_of = ours.official(groups_of)
        assert len(groups) == official['param_groups']
        assert set(groups_of) == set(official['params'])
        columns = official['columns'][1:]
        assert columns == ['lr_scale', 'lr', 'weight_decay']
        for key, (group_name, *values) in official['params'].items():
            group = groups[groups_of[key][(-1,) * groups_of[key].ndim]]
            assert group['group_name'] == group_name, key
            scale, rate, decay = values
            assert group['lr_scale'] == pytest.approx(scale, rel=1e-9), key
            assert group['lr'] == pytest.approx(rate, rel=1e-9), key
            assert group['weight_decay'] == decay, key


def test_schedule(golden):
    for name, official in golden('G_layer_decay.json')['models'].items():
        cfg = shipped(name)
        optimizer = build_optim_wrapper(build_on_meta(cfg.model), cfg.optim_wrapper).optimizer
        given = dict(official['optimizer'])
        assert type(optimizer).__name__ == given.pop('type')
        for key, value in given.items():
            found = optimizer.defaults[key]
            assert (list(found) if isinstance(value, list) else found) == value, key
        assert cfg.optim_wrapper.paramwise_cfg.num_layers == official['num_layers']
        assert cfg.optim_wrapper.paramwise_cfg.layer_decay_rate == official['layer_decay_rate']
        assert cfg.optim_wrapper.clip_grad == official['grad_clip']
        warmup, steps = cfg.param_scheduler
        plan = official['lr_config']
        assert (warmup.type, steps.type) == ('LinearLR', 'MultiStepLR')
        assert (plan['policy'], plan['warmup']) == ('step', 'linear')
        assert (warmup.end, warmup.start_factor) == (plan['warmup_iters'], plan['warmup_ratio'])
        assert steps.milestones == plan['step']
        assert cfg.train_cfg.max_epochs == official['total_epochs']
        assert cfg.train_dataloader.batch_size == official['samples_per_gpu']


def test_keys_shapes_and_drop_path(golden):
    """The authors' state dicts, converted, fit our configs.

    Ours have one row of positions less, as the authors' extra row is added to all others.
    """
    models = golden('H_model_keys.json')['models']
    for name, official in models.items():
        model = build_on_meta(published(name, official))
        state = {k: torch.empty(shape, device='meta') for k, shape in official['keys'].items()}
        conversion = convert(state, model=model)
        assert (conversion.source, conversion.dropped) == ('official', {})
        own = {key: value.shape for key, value in model.state_dict().items()}
        assert {key: value.shape for key, value in conversion.state_dict.items()} == own, name
        count = sum(parameter.numel() for parameter in model.parameters())
        assert count + official['backbone']['embed_dim'] == official['parameters'], name
        rates = [layer.drop_path.drop_prob for layer in model.backbone.layers]
        assert rates == pytest.approx(official['drop_path_per_block']), name  # of float32
        heads = {layer.attention.num_heads for layer in model.backbone.layers}
        assert heads == {official['backbone']['num_heads']}, name
