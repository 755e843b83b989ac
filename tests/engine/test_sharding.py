"""configs/scale/: shards, accumulated batches and less activation memory do not change results."""

import re

import pytest
import torch
from mmengine import load
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import STRATEGIES
from mmengine.runner.activation_checkpointing import turn_on_activation_checkpointing
from mmpose.registry import DATASETS, MODELS
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import (
    apply_activation_checkpointing,
)

from tests.helpers.demo import TINY
from tests.helpers.processes import HELPERS, launch
from vitpose_plus.checkpoints import check_file
from vitpose_plus.commands import main
from vitpose_plus.engine.sharding import is_transformer_layer
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import find_config
from vitpose_plus.models import FullAttention

FSDP = 'vitpose-plus-huge-fsdp_six-datasets-256x192'
DDP = 'vitpose-plus-huge-bf16-16gpus_six-datasets-256x192'
ACCUMULATE = 'vitpose-plus-base-accumulate8_six-datasets-256x192'
CHECKPOINTED = 'vitpose-huge-checkpointed_coco-256x192'


def tiny(name):
    """A config on the figures: tiny backbone, simple decoders, no randomness, no mixed precision.

    A dataset has four images, a batch six: an epoch has four batches, each without some datasets.
    """
    cfg, demo = (Config.fromfile(find_config(n), format_python_code=False) for n in (name, TINY))
    cfg.model.backbone.update(arch='tiny', drop_path_rate=0.0)
    cfg.model.head.update(type='MultiDatasetHead')
    cfg.model.head.head.update(in_channels=128, **cfg.simple_decoder)
    cfg.model.neck = cfg.upsampling
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=6)
        loader.dataset = demo[f'{split}_dataloader'].dataset
    for part in cfg.train_dataloader.dataset.datasets:
        part.pipeline = [t for t in part.pipeline if not t.type.startswith('Random')]
        part.indices = 4
    cfg.val_evaluator, cfg.test_evaluator = demo.val_evaluator, demo.test_evaluator
    cfg.optim_wrapper.pop('type', None)
    cfg.optim_wrapper.paramwise_cfg.num_layers = 4
    cfg.optim_wrapper.clip_grad.max_norm = 1e-3  # the norm is always larger
    cfg.optim_wrapper.optimizer.lr = 3e-4
    cfg.param_scheduler = [dict(cfg.param_scheduler[1], milestones=[1])]
    cfg.train_cfg.max_epochs = 2
    cfg.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=-1)
    cfg.custom_imports.imports.append('scale_probe')
    cfg.custom_hooks = [dict(type='ScaleReportHook')]
    cfg.randomness = dict(seed=0)
    for part in (*cfg.datasets, 'crops', 'augmentation'):
        cfg.pop(part)  # not needed, and every run formats its config
    return cfg


def train(cfg, name, *options):
    """Returns the command that trains ``cfg`` in the folder ``name``."""
    cfg.dump(f'{name}.py')
    return ['train', f'{name}.py', '--work-dir', name, '--no-validate', *options]


def trained(name, last='epoch_2'):
    """Returns the report of a training, and its last weights."""
    weights = torch.load(f'{name}/{last}.pth', map_location='cpu')['state_dict']
    return torch.load(f'{name}/report.pth'), weights


def run_in(processes, commands, **kwargs):
    """Runs all ``commands`` after one start of the processes, as a start takes longer than them."""
    commands = [[*command, '--launcher', 'pytorch'] for command in commands]
    code = f'from vitpose_plus.commands import main; [main(c) for c in {commands}]'
    launch(processes, ['-c', code], **kwargs)


@pytest.fixture(scope='module')
def place(figures, tmp_path_factory):
    """A folder with the training ``one`` of one process; all others are compared with it."""
    place = tmp_path_factory.mktemp('scale')
    (place / 'work_dirs' / 'demo').mkdir(parents=True)
    (place / 'work_dirs' / 'demo' / 'figures').symlink_to(figures)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.syspath_prepend(HELPERS)
        torch.set_num_threads(1)
        main(train(tiny(DDP), 'one'))
    return place


@pytest.fixture(autouse=True)
def _there(place, monkeypatch):
    monkeypatch.syspath_prepend(HELPERS)
    monkeypatch.chdir(place)


def relative(values, expected):
    return max(abs(a - b) / abs(b) for a, b in zip(values, expected, strict=True))


def check_same_training(name, steps=8):
    """Compares the losses of the last steps, and the final weights, with those of one process."""
    (one, expected), (two, weights) = trained('one'), trained(name)
    assert one['losses'][-1] != pytest.approx(one['losses'][0], rel=0.1)
    assert min(one['norms']) > 10 * 1e-3  # all are clipped
    assert relative(two['losses'], one['losses'][-steps:]) < 1e-5
    assert relative(two['norms'], one['norms'][-steps:]) < 1e-5
    check_same_weights(weights, expected)


def check_same_weights(weights, expected):
    assert weights.keys() == expected.keys()
    for key, value in expected.items():
        apart = (weights[key].double() - value.double()).norm()
        assert apart <= 1e-4 * value.double().norm() + 1e-6, key


def test_two_nodes_train_as_one_process():
    cfg = tiny(DDP)
    cfg.train_dataloader.batch_size = 3
    run_in(1, [train(cfg, 'ddp')], nodes=2)
    check_same_training('ddp')


def test_two_sharding_processes_train_as_one():
    """Also when they are resumed. Their checkpoint is also tested without sharding."""
    cfg = tiny(FSDP)
    cfg.train_dataloader.batch_size = 3
    first = train(cfg, 'fsdp')
    resume = train(cfg, 'resumed', '--resume', 'fsdp/epoch_1.pth')
    run_in(2, [first, resume, ['test', 'fsdp.py', 'fsdp/epoch_2.pth', '--out', 'sharded.json']])
    check_same_training('fsdp')
    check_same_training('resumed', steps=4)
    check_same_groups('fsdp')

    plain = tiny(DDP)
    check_file('fsdp/epoch_2.pth', MODELS.build(plain.model))
    plain.dump('plain.py')
    main(['test', 'plain.py', 'fsdp/epoch_2.pth', '--out', 'plain.json'])
    assert load('plain.json') == pytest.approx(load('sharded.json'), abs=1e-6)
    main(train(plain, 'unsharded', '--resume', 'fsdp/epoch_1.pth'))
    check_same_training('unsharded', steps=4)


def check_same_groups(name):
    """Shards have the learning rates and weight decays of complete tensors."""
    one, two = trained('one')[0], trained(name)[0]
    assert two['held'] < 0.6 * one['held']
    for group in two['groups']:
        wrapped = r'_fsdp_wrapped_module\.|_checkpoint_wrapped_module\.'
        group['param_names'] = [re.sub(wrapped, '', name) for name in group['param_names']]
    assert two['groups'] == one['groups']


def test_sharding_needs_several_processes(tmp_path):
    cfg = Config.fromfile(find_config(FSDP)).strategy
    with pytest.raises(UserError, match='torchrun'):
        STRATEGIES.build(dict(cfg, work_dir=str(tmp_path), env_kwargs=dict(launcher='none')))


def test_accumulated_batches_are_one_batch():
    cfg = tiny(ACCUMULATE)
    assert cfg.optim_wrapper.accumulative_counts * 128 == 1024
    cfg.optim_wrapper.accumulative_counts = 2
    cfg.optim_wrapper.paramwise_cfg = tiny(DDP).optim_wrapper.paramwise_cfg
    cfg.train_dataloader.batch_size = 3
    main(train(cfg, 'accumulated'))
    (parts, weights), (whole, expected) = trained('accumulated'), trained('one')
    means = [sum(pair) / 2 for pair in zip(*[iter(parts['losses'])] * 2, strict=True)]
    assert relative(means, whole['losses']) < 1e-5
    check_same_weights(weights, expected)


def checkpoint_as_the_runner(model):
    names = Config.fromfile(find_config(CHECKPOINTED)).activation_checkpointing
    assert len(names) == 32
    turn_on_activation_checkpointing(model, names[: len(model.backbone.layers)])


def checkpoint_as_the_strategy(model):
    apply_activation_checkpointing(model, check_fn=is_transformer_layer)


@pytest.fixture
def batch():
    dataset = DATASETS.build(tiny(DDP).train_dataloader.dataset)
    return pseudo_collate([part[0] for part in dataset.datasets[:3]])


def backward(model, batch):
    """Returns the losses, and the gradients of all parameters."""
    torch.manual_seed(1)  # drop path
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    sum(losses.values()).backward()
    return losses, [p.grad for p in model.parameters() if p.requires_grad]


@pytest.mark.parametrize('switch_on', [checkpoint_as_the_runner, checkpoint_as_the_strategy])
@pytest.mark.parametrize('frozen', [False, True])
def test_activations_computed_twice_give_the_same_gradients(batch, monkeypatch, switch_on, frozen):
    cfg = tiny(DDP).model
    cfg.backbone.drop_path_rate = 0.5
    model = MODELS.build(cfg).train()
    if frozen:  # the first layer's input needs no gradient then
        model.backbone.patch_embed.requires_grad_(False)
        model.backbone.pos_embed.requires_grad_(False)
    losses, gradients = backward(model, batch)
    model.zero_grad()
    switch_on(model)
    calls, forward = [], FullAttention.forward
    monkeypatch.setattr(FullAttention, 'forward', lambda *args: calls.append(1) or forward(*args))
    again, same = backward(model, batch)
    assert len(calls) == 2 * len(model.backbone.layers)
    assert losses == again
    assert all(map(torch.equal, gradients, same))


@pytest.mark.parametrize('name', [FSDP, DDP])
def test_bf16_is_for_forward_passes_only(batch, name):
    cfg = tiny(name)
    cfg.optim_wrapper.type = Config.fromfile(find_config(name)).optim_wrapper.type
    model = MODELS.build(cfg.model).train()
    expected = model(**model.data_preprocessor(batch, True), mode='loss')
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    dtypes = set()
    model.backbone.layers[0].ffn.fc1.register_forward_hook(
        lambda module, args, output: dtypes.add(output.dtype)
    )
    losses = model.train_step(batch, wrapper)
    assert losses['loss'].item() == pytest.approx(sum(expected.values()).item(), rel=0.01)
    assert dtypes == {torch.bfloat16}
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    state = wrapper.optimizer.state
    assert {state[p]['exp_avg'].dtype for p in model.parameters()} == {torch.float32}
