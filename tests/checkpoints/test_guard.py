"""A checkpoint that does not fit the model is refused, however it is loaded."""

import pytest
import torch
from mmengine.config import Config
from mmengine.optim import OptimWrapper
from mmpose.registry import MODELS
from torch import nn

from tests.helpers.demo import TINY
from vitpose_plus.checkpoints import check_file, check_fit
from vitpose_plus.checkpoints.guard import check_groups
from vitpose_plus.commands import main
from vitpose_plus.engine import preflight
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.experiments.splitting import split_config
from vitpose_plus.models.building import build_on_meta


def changed(state_dict, **changes):
    return {k: v for k, v in {**state_dict, **changes}.items() if v is not None}


@pytest.mark.parametrize(
    ('changes', 'complaint'),
    [
        (dict(weight=torch.zeros(5, 3)), r"has 'weight' in shape \(5, 3\) where .* \(4, 3\);"),
        (dict(weight=None), "lacks 'weight';"),
        (dict(scale=torch.zeros(1)), "has 'scale', which the model does not have;"),
        (dict(weight=None, scale=torch.zeros(1)), r"lacks 'weight' \(and 1 more differences\)"),
    ],
)
def test_every_difference_is_named(changes, complaint):
    model = nn.Linear(3, 4)
    check_fit(model.state_dict(), model)
    with pytest.raises(ValueError, match=complaint):
        check_fit(changed(model.state_dict(), **changes), model)


def test_an_optimizer_with_other_groups_is_refused():
    """The groups differ with another layer decay, or with other frozen parts."""
    parts = [nn.Parameter(torch.zeros(2)) for _ in range(3)]
    one_group = OptimWrapper(torch.optim.SGD(parts, lr=0.1))
    groups = [dict(params=parts[:1]), dict(params=parts[1:])]
    two_groups = OptimWrapper(torch.optim.SGD(groups, lr=0.1))
    check_groups(one_group.state_dict(), one_group)
    with pytest.raises(UserError, match=r'of 3 parameters in 2 groups, .* makes one of 3 in 1:'):
        check_groups(two_groups.state_dict(), one_group)


COUNTER = 'num_batches_tracked'


@pytest.mark.parametrize(
    ('name', 'change', 'complaint'),
    [
        (
            'weight',
            lambda v: v.long(),
            "has 'weight' in int64 where the model has float32: give the file",
        ),
        ('running_var', lambda v: v.bool(), "has 'running_var' in bool where the model has float"),
        (COUNTER, lambda v: v + 0.5, f"has '{COUNTER}' in float32 where the model has int64: give"),
        ('weight', lambda v: v.half(), None),
        ('weight', lambda v: v.bfloat16(), None),
        ('bias', lambda v: v.double(), None),
        (COUNTER, lambda v: v.half(), None),
        (COUNTER, lambda v: v.int(), None),
    ],
)
def test_other_precisions_fit_but_no_other_kinds_of_numbers(name, change, complaint):
    model = nn.BatchNorm1d(3)
    given = model.state_dict()
    given[name] = change(given[name])
    if complaint is None:
        check_fit(given, model)
    else:
        with pytest.raises(UserError, match=complaint):
            check_fit(given, model)


def test_relative_positions_of_another_window_fit_and_are_resized():
    small, large = (
        MODELS.build(
            dict(type='WindowAttention', dim=8, num_heads=heads, grid_hw=(8, 6), window_hw=hw)
        )
        for heads, hw in ((2, (4, 4)), (2, (8, 6)))
    )
    table = small.rel_pos.pos_embed_w
    torch.nn.init.normal_(table)
    check_fit(small.state_dict(), large)
    large.load_state_dict(small.state_dict())
    assert large.rel_pos.pos_embed_w.shape == (11, 4)
    torch.testing.assert_close(large.rel_pos.pos_embed_w[5], table[3])  # the entry of distance 0
    wider = MODELS.build(dict(type='WindowAttention', dim=8, num_heads=1, grid_hw=(8, 6)))
    with pytest.raises(ValueError, match=r"pos_embed_h' in shape \(7, 4\) where .* \(15, 8\)"):
        check_fit(small.state_dict(), wider)


def test_heads_in_another_order_are_refused_on_the_meta_device(tiny_config, tmp_path):
    model = MODELS.build(tiny_config.model)
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'right.pth')
    heads = tiny_config.model.head.heads
    tiny_config.model.head.heads = [heads[1], heads[0], *heads[2:]]
    check_file(tmp_path / 'right.pth', model)
    with pytest.raises(ValueError, match='experts would be swapped'):
        check_file(tmp_path / 'right.pth', build_on_meta(tiny_config.model))


def as_pretrained(cfg):
    cfg.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='plus.pth', prefix='backbone.')


def as_load_from(cfg):
    cfg.load_from = 'plus.pth'


@pytest.mark.parametrize('give', [as_pretrained, as_load_from])
def test_split_is_suggested_if_a_plain_model_gets_several_datasets(give, tiny_config):
    torch.save(MODELS.build(tiny_config.model).state_dict(), 'plus.pth')
    cfg = split_config(tiny_config, 'coco')
    give(cfg)
    with pytest.raises(
        UserError, match=r'^plus\.pth is .* python -m vitpose_plus split IN DATASET'
    ):
        preflight.check_checkpoints(cfg)


def test_every_config_has_the_guard_even_with_hooks_of_its_own(tmp_path):
    """Other scripts need it, too, such as the one of ``mim train mmpose``."""
    child = tmp_path / 'child.py'
    child.write_text(f"_base_ = {find_config(TINY)!r}\ncustom_hooks = [dict(type='EMAHook')]\n")
    hooks = Config.fromfile(child).default_hooks
    assert hooks.checkpoint_guard.type == 'CheckpointGuardHook'
    assert hooks.sync_buffers.type == 'SyncBuffersHook'


def test_a_training_resumes_from_its_own_checkpoint(workplace):
    """The optimiser's state and the log buffers in it load under ``weights_only``."""
    quick = ['train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False']
    quick += [f'train_dataloader.dataset.datasets.{i}.indices=2' for i in range(6)]
    command = ['train', TINY, '--work-dir', 'out', '--no-validate', '--cfg-options', *quick]
    main([*command, 'train_cfg.max_epochs=1'])
    first = torch.load('out/epoch_1.pth')
    main([*command, 'train_cfg.max_epochs=2', '--resume'])
    second = torch.load('out/epoch_2.pth')
    assert (first['meta']['epoch'], second['meta']['epoch']) == (1, 2)
    steps = [s['step'].item() for s in second['optimizer']['state'].values()]
    assert set(steps) == {2 * first['meta']['iter']}
