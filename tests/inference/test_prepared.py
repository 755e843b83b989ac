"""``prepare``: the fast form of a model gives the results of the model itself."""

from collections import Counter
from copy import deepcopy

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import DATASETS, MODELS
from torch import nn

import vitpose_plus
from tests.helpers.comparing import assert_same
from tests.helpers.tiny_figures import FILE
from vitpose_plus.checkpoints import reading
from vitpose_plus.errors import RunError, UserError
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.inference.compilers import Compiled, uncompiled
from vitpose_plus.inference.fast_backbones import FOLDED, fast_backbone
from vitpose_plus.inference.fast_heads import FastLayers, fused
from vitpose_plus.inference.prepared import fast_network

TINY = 'vitpose-plus-tiny_figures-256x192'
PLAIN = 'vitpose-tiny_figures-128x96'
SIMPLE = 'vitpose-small-simple_coco-256x192'
BOTTOM_UP = 'vitpose-bottomup-tiny_figures-128x128'
MIXED = torch.tensor([0, 3, 5, 3, 0])


def built(name, **changes):
    """The model of a config with random batch norms."""
    init_default_scope('mmpose')  # fixtures of a module come before those of conftest.py
    cfg = read_config(name)
    cfg.merge_from_dict(changes)
    return with_random_norms(MODELS.build(cfg.model))


def with_random_norms(model):
    """Gives all batch norms random values, so that none is an identity."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return model.eval()


def crops_of(model, count=5):
    return torch.randn(count, 3, *(16 * side for side in model.backbone.pos_embed.shape[1:3]))


@torch.no_grad()
def heatmaps(model, crops):
    found = model.head(model.extract_feat(crops))
    return found[0] if isinstance(found, tuple) else found


@pytest.fixture(scope='module')
def plus():
    return built(TINY)


@pytest.mark.parametrize('name', [SIMPLE, BOTTOM_UP])
def test_plain_models_keep_their_heatmaps(name):
    model = built(name)
    crops = crops_of(model, 2)
    found = vitpose_plus.prepare(model, precision='fp32')(crops)
    found = found[0] if isinstance(found, tuple) else found
    assert_same(found, heatmaps(model, crops), roundings=64)


@pytest.mark.parametrize(
    'name',
    [
        'vitpose-base-stride8-window-shift-pool_coco-256x192',
        'vitpose-vitae-base_coco-256x192',  # has batch norms in its backbone
        'vitpose-plus-base-individual-shared_six-datasets-256x192',
        'vitpose-base_six-datasets-256x192',  # several datasets without experts
    ],
)
def test_other_backbones_keep_their_features(name):
    cfg = read_config(name).model.backbone.to_dict()
    backbone = MODELS.build(cfg | dict(arch=dict(depth=2, dim=64, num_heads=2))).eval()
    index = [torch.tensor([1, 1])] if 'plus' in name else []
    crops = torch.randn(2, 3, 256, 192)
    with torch.no_grad():
        [expected] = backbone(crops, *index)
        for dtype, roundings in ((torch.float32, 64), (torch.bfloat16, 4)):
            [found] = fast_backbone(backbone, dtype, uncompiled)(crops, *index)
            assert_same(found, expected, roundings=roundings, precision=dtype)


def test_a_resnet_can_be_prepared():
    model = built('resnet-50_coco-256x192')
    crops = torch.randn(1, 3, 256, 192)
    found = vitpose_plus.prepare(model, precision='fp32')(crops)
    assert_same(found, heatmaps(model, crops), roundings=64)


def test_every_crop_keeps_the_heatmaps_of_its_own_dataset(plus):
    crops = crops_of(plus)
    found = vitpose_plus.prepare(plus, precision='fp32')(crops, MIXED)
    with torch.no_grad():
        feats = plus.extract_feat(crops, MIXED)
        for row, decoder in zip(range(5), MIXED.tolist(), strict=True):
            head = list(plus.head.decoders.values())[decoder]
            expected = head(tuple(each[row : row + 1] for each in feats))[0]
            assert_same(found[row, : len(expected)], expected, roundings=64)
            assert not found[row, len(expected) :].any()


@pytest.mark.parametrize('dataset', ['coco', 'coco_wholebody'])
def test_a_batch_of_one_dataset_has_folded_experts_and_the_same_heatmaps(plus, dataset):
    crops, number = crops_of(plus), plus.head.names.index(dataset)
    alone = vitpose_plus.prepare(plus, dataset, precision='fp32')
    mixed = vitpose_plus.prepare(plus, precision='fp32')
    index = torch.full((5,), number)
    expected = mixed.network.head.decoders[dataset](
        tuple(each for each in plus.extract_feat(crops, index))
    )
    assert_same(alone(crops), expected, roundings=64)
    assert_same(mixed(crops, index)[:, : expected.shape[1]], expected, roundings=64)
    assert list(mixed.network.backbone.folded) == [number]


def test_the_folded_ffns_of_few_datasets_are_kept(plus):
    network = vitpose_plus.prepare(plus, precision='fp32').network
    for number in (0, 1, 2, 1, 3):
        network.backbone(crops_of(plus, 1), torch.tensor([number]))
    assert list(network.backbone.folded) == [1, 3]
    assert FOLDED == 2


def test_folded_ffns_of_an_inference_mode_can_be_used_outside_it(plus):
    network = vitpose_plus.prepare(plus, precision='fp32').network
    crops, index = crops_of(plus, 1), torch.tensor([0])
    with torch.inference_mode():
        inside = network.backbone(crops, index)[0]
    assert_same(network.backbone(crops, index)[0], inside)


def test_bf16_is_near_and_its_last_convolution_is_float32(plus):
    crops = crops_of(plus)
    fast = vitpose_plus.prepare(plus, precision='bf16')
    exact = vitpose_plus.prepare(plus, precision='fp32')(crops, MIXED)
    assert_same(fast(crops, MIXED), exact, roundings=8, precision=torch.bfloat16)
    types = {each.dtype for each in fast.network.backbone.parameters()}
    layers = fast.network.head.decoders['coco'].deconv_layers
    assert types == {torch.bfloat16}
    assert layers.final.weight.dtype == torch.float32


@pytest.mark.parametrize('precision', ['fp32', 'bf16'])
def test_the_model_does_not_change_and_float32_weights_are_shared(plus, precision):
    plus.train()
    before = deepcopy(plus.state_dict())
    fast = vitpose_plus.prepare(plus, precision=precision)
    fast(crops_of(plus), MIXED)
    assert all(module.training for module in plus.modules())
    assert all(torch.equal(value, before[name]) for name, value in plus.state_dict().items())
    assert all(each.requires_grad for each in plus.parameters())
    shared = fast.network.backbone.backbone.layers[0].attention.qkv.weight.data_ptr()
    is_shared = shared == plus.backbone.layers[0].attention.qkv.weight.data_ptr()
    assert is_shared is (precision == 'fp32')
    plus.eval()


def test_every_batch_norm_is_folded(plus):
    network = vitpose_plus.prepare(plus, precision='fp32').network
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_a_batch_norm_without_a_convolution_before_it_stays():
    layers = [nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)]
    layers = [each.eval() for each in layers]
    assert [type(each) for each in fused(layers)] == [nn.BatchNorm2d, nn.ReLU, nn.Conv2d]


def test_layers_with_intermediate_convolutions_keep_their_heatmaps():
    head = built(
        PLAIN, **{'model.head.conv_out_channels': [32], 'model.head.conv_kernel_sizes': [3]}
    )
    head = head.head
    x = torch.randn(2, head.in_channels, 4, 3)
    with torch.no_grad():
        assert_same(FastLayers(head, torch.float32)(x), head((x,)), roundings=64)


@pytest.fixture
def batch(tiny_config):
    dataset = DATASETS.build(tiny_config.test_dataloader.dataset)
    return pseudo_collate([part[i] for i in range(2) for part in dataset.datasets])


@pytest.mark.parametrize('flip_test', [False, True])
def test_the_estimator_predicts_the_same_keypoints(batch, flip_test):
    model = built(TINY)
    model.load_state_dict(reading.read(FILE))
    model.test_cfg['flip_test'] = flip_test
    with torch.no_grad():
        expected = [each.pred_instances for each in model.test_step(deepcopy(batch))]
        network = vitpose_plus.prepare(model, precision='fp32').network
        found = [each.pred_instances for each in network.test_step(deepcopy(batch))]
    for one, other in zip(found, expected, strict=True):
        assert_same(
            torch.from_numpy(one.keypoint_scores),
            torch.from_numpy(other.keypoint_scores),
            roundings=256,
        )
        apart = np.abs(one.keypoints - other.keypoints)
        assert np.quantile(apart, 0.9) < 0.01  # pixels; a flat peak has no exact place


def test_the_flip_test_of_a_plain_model_is_one_batch(tiny_config):
    model = built(PLAIN)
    model.test_cfg['flip_test'] = True
    assert type(model) is TopdownPoseEstimator
    sizes = []
    model.backbone.register_forward_pre_hook(lambda module, args: sizes.append(len(args[0])))
    network = vitpose_plus.prepare(model, precision='fp32').network
    crops = crops_of(model, 3)
    first, second = network._views(crops)
    assert sizes == [6]
    with torch.no_grad():
        assert_same(first[0], model.extract_feat(crops)[0])
        assert_same(second[0], model.extract_feat(crops.flip(-1))[0])


class Recording(Compiled):
    """Compiles with a backend that only records the batch sizes."""

    def __init__(self, module):
        nn.Module.__init__(self)
        self.sizes, self.small, self.ran = set(), Counter(), []
        self.module = module

    def _run(self, *inputs):
        self.ran.append(len(inputs[0]))
        return self.module(*inputs)


def test_a_ragged_batch_uses_a_graph_that_exists():
    run = Recording(nn.Identity())
    for count in (5, 8, 3, 1, 9, 12):
        x = torch.randn(count, 2)
        assert torch.equal(run(x), x)
    assert run.ran == [8, 8, 8, 8, 16, 16]


def test_compiled_parts_have_no_graph_breaks_and_the_same_heatmaps(plus, monkeypatch):
    """The backend is eager: what is captured is what inductor would compile."""
    compiled = torch.compile
    monkeypatch.setattr(
        torch, 'compile', lambda f, **kw: compiled(f, backend='eager', fullgraph=True, **kw)
    )
    network = fast_network(plus, torch.float32, Compiled)
    expected = fast_network(plus, torch.float32, uncompiled)
    crops = crops_of(plus, 4)
    for index in (torch.tensor([0, 0, 3, 5]), torch.tensor([3, 3, 3, 3])):
        with torch.inference_mode():
            found, same = network.backbone(crops, index), expected.backbone(crops, index)
            assert_same(found[0], same[0], roundings=64)
            maps = [each.head.decoders['ap10k'](found) for each in (network, expected)]
        assert_same(*maps, roundings=64)


def test_a_failed_compilation_is_one_sentence(monkeypatch):
    def failing(module, inputs):
        raise ValueError('no header Python.h')

    compiled = torch.compile
    monkeypatch.setattr(torch, 'compile', lambda f, **kw: compiled(f, backend=failing, **kw))
    with pytest.raises(RunError, match=r'torch\.compile failed .*: leave out --compile'):
        Compiled(nn.Linear(2, 2))(torch.randn(1, 2))


def test_a_missing_compiler_is_reported_before_anything_runs(plus, monkeypatch):
    monkeypatch.setenv('CXX', 'no-such-compiler')
    with pytest.raises(UserError, match=r'needs a C\+\+ compiler, but no-such-compiler is not'):
        vitpose_plus.prepare(plus, precision='fp32', compile=True)


def test_wrong_datasets_are_refused(plus):
    with pytest.raises(UserError, match=r"does not have the dataset 'dogs': give one of coco, aic"):
        vitpose_plus.prepare(plus, 'dogs')
    with pytest.raises(UserError, match=r'give dataset_index, or prepare the model with dataset'):
        vitpose_plus.prepare(plus, precision='fp32')(crops_of(plus))
