"""Compiled backbones: no graph breaks, equal losses and gradients, few compilations."""

import logging
import signal
from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import Config
from mmengine.model import MMDistributedDataParallel
from mmengine.structures import InstanceData, PixelData
from mmpose.structures import PoseDataSample
from torch._dynamo.testing import CompileCounterWithBackend

from tests.helpers.models import KEYPOINTS, SIX, plain, plus
from tests.helpers.trainings import assert_same_end, finished, interrupted, train, write_config
from vitpose_plus.engine import compiling
from vitpose_plus.engine.compiling import CompileHook
from vitpose_plus.errors import UserError

BATCHES = [6, 6, 4, 3, 5, 6, 2]


@pytest.fixture(autouse=True)
def _no_graphs_of_other_tests():
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


@pytest.fixture(params=[plain, plus], ids=['plain', 'plus'])
def model(request):
    model = request.param()
    for parameter in model.head.parameters():  # larger than 0.001, so that losses differ
        torch.nn.init.normal_(parameter, std=0.1)
    return model.train()


def batch(model, size):
    """Random crops and targets, of all datasets in turn; a plain model has the first one."""
    names = list(zip(SIX, KEYPOINTS, strict=True))[: 6 if hasattr(model.head, 'names') else 1]
    samples = []
    for row in range(size):
        name, keypoints = names[row % len(names)]
        sample = PoseDataSample(metainfo=dict(dataset_name=name))
        sample.gt_fields = PixelData(heatmaps=torch.rand(keypoints, 16, 12))
        sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, keypoints))
        samples.append(sample)
    return torch.randn(size, 3, 64, 48), samples


def compiled(model, backend='aot_eager'):
    """Compiles the model as a training does, and returns it; ``backend`` may be a counter."""
    runner = SimpleNamespace(model=model, logger=logging.getLogger('test'))
    CompileHook(backend=backend).before_train(runner)
    return model


def losses(model, inputs, samples):
    return model(inputs, samples, mode='loss')


def total(found):
    return sum(value for name, value in found.items() if 'loss' in name)


def gradients(model, data):
    model.zero_grad()
    found = losses(model, *data)
    total(found).backward()
    return found, {name: p.grad for name, p in model.named_parameters()}


def close(found, expected):
    for name, value in expected.items():
        bound = 1e-5 * value.abs().max().item() + 1e-9
        torch.testing.assert_close(found[name], value, rtol=0, atol=bound, msg=name)


def test_losses_and_gradients_are_those_of_the_model_itself(model):
    fast = compiled(deepcopy(model))
    for size in (6, 4) if hasattr(model.head, 'names') else (6,):  # the second is for any size
        data = batch(model, size)
        for found, expected in zip(gradients(fast, data), gradients(model, data), strict=True):
            close(found, expected)


@pytest.mark.minutes
def test_batches_of_any_size_need_two_graphs(model):
    """The hook compiles with ``fullgraph=True``: a graph break would be an error."""
    counter = CompileCounterWithBackend('eager')
    fast = compiled(deepcopy(model), counter)
    for size in BATCHES:
        total(losses(fast, *batch(model, size))).backward()
    assert counter.frame_count == 2
    fast.eval()
    with torch.no_grad():
        for size in BATCHES:
            fast.backbone(torch.randn(size, 3, 64, 48), *_index(model, size))
    assert counter.frame_count <= 4


def _index(model, size):
    return (torch.arange(size) % 6,) if hasattr(model.head, 'names') else ()


def test_the_state_dict_is_unchanged_and_a_copy_is_not_compiled(model):
    counter = CompileCounterWithBackend('eager')
    fast = compiled(deepcopy(model), counter)
    assert list(fast.state_dict()) == list(model.state_dict())
    losses(deepcopy(fast), *batch(model, 6))
    assert counter.frame_count == 0


@pytest.mark.minutes
def test_a_model_in_ddp_is_compiled(tmp_path):
    model = plus().train()
    torch.distributed.init_process_group(
        'gloo', init_method=f'file://{tmp_path}/store', rank=0, world_size=1
    )
    try:
        counter = CompileCounterWithBackend('aot_eager')
        wrapped = compiled(MMDistributedDataParallel(deepcopy(model)), counter)
        data = batch(model, 6)
        found, own = gradients(wrapped, data)
        expected = gradients(model, data)
        close(found, expected[0])
        close({n.removeprefix('module.'): g for n, g in own.items()}, expected[1])
        assert counter.frame_count > 0
    finally:
        torch.distributed.destroy_process_group()


def small_training(figures, tmp_path, monkeypatch, *words, **environment):
    monkeypatch.chdir(tmp_path)
    return train(write_config(figures), 'compiled', '--compile', *words, **environment)


@pytest.mark.forks
def test_a_missing_compiler_is_one_sentence(figures, tmp_path, monkeypatch):
    ended = small_training(figures, tmp_path, monkeypatch, CXX='no_such_compiler')
    printed = finished(ended, 2)
    message = printed.splitlines()[-1]
    assert 'needs a C++ compiler, but no_such_compiler is not installed: install it' in message
    assert not (tmp_path / 'compiled').exists()


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        (dict(model=dict(type='BottomUpPoseEstimator')), 'has a BottomUpPoseEstimator, but Com'),
        (dict(strategy=dict(type='ShardedStrategy')), 'which CompileHook .* does not support'),
    ],
)
def test_what_cannot_be_compiled_is_an_error(changes, words):
    cfg = Config(dict(dict(model=dict(type='MultiDatasetTopdown')), **changes))
    compiling.check_compiling(cfg)
    compiling.add_compiling(cfg)
    with pytest.raises(UserError, match=words):
        compiling.check_compiling(cfg)


def test_the_hook_of_a_config_is_used_once():
    hook = dict(type='CompileHook', backend='eager')
    cfg = Config(dict(default_hooks=dict(own=hook)))
    compiling.add_compiling(cfg)
    assert compiling.hooks_of(cfg) == [hook]


@pytest.mark.minutes
@pytest.mark.forks
def test_a_stopped_and_resumed_training_ends_as_one_that_was_not_compiled(trainings):
    """Validations within the training run, too; the backend changes no operation."""
    words = ['--compile', '--cfg-options', 'default_hooks.compile.backend=eager']
    words += ['train_cfg.val_interval=1']
    finished(interrupted(signal.SIGTERM, 4, 'small.py', 'compiled', *words), 143)
    finished(train('small.py', 'compiled', *words, '--resume'))
    assert_same_end('compiled', 'whole')


@pytest.mark.slow
def test_losses_and_gradients_of_inductor(model):
    data = batch(model, 6)
    fast = compiled(deepcopy(model), 'inductor')
    for found, expected in zip(gradients(fast, data), gradients(model, data), strict=True):
        close(found, expected)
