"""An exported or traced model gives the same results as the model, at every batch size."""

import pytest
import torch
from mmpose.registry import MODELS
from torch import nn

from vitpose_plus.models import RelativePosition

ARCH = dict(depth=2, dim=16, num_heads=2)
HW = (64, 48)  # pixels; 4x3 patches
RELATIVE = dict(type='RelativePosition')


def windows(kind, hw):
    return dict(attention=dict(type=kind, window_hw=hw))


KINDS = {
    'plain': {},
    'another input': dict(input_hw=(128, 96)),
    'prefix tokens': dict(num_prefix_tokens=2),
    'relative positions': dict(
        num_prefix_tokens=1, attention=dict(type='FullAttention', rel_pos=RELATIVE)
    ),
    'windows': windows('WindowAttention', (2, 3)),
    'windows that do not divide': windows('WindowAttention', (3, 2)),
    'shifted windows': windows('ShiftedWindowAttention', (2, 2)),
    'pooling windows': windows('PoolingWindowAttention', (3, 2)),
    'shifted pooling windows': windows('ShiftedPoolingWindowAttention', (3, 2)),
    'ViTAE': dict(type='ViTAE', num_prefix_tokens=1),
    'sines': dict(type='SinePositionViT'),
}


def backbone(**options):
    """A backbone in evaluation mode, with random relative positions instead of zeros."""
    model = MODELS.build(dict(dict(type='ViT', arch=ARCH, input_hw=HW), **options)).eval()
    for module in model.modules():
        if isinstance(module, RelativePosition):
            for table in module.parameters():
                nn.init.normal_(table)
    return model


def exported(model, *inputs):
    batch = torch.export.Dim('batch', min=1, max=64)
    shapes = tuple({0: batch} for _ in inputs)
    return torch.export.export(model, inputs, dynamic_shapes=shapes).module()


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_of_backbone_is_exported_for_any_batch_size(kind):
    model = backbone(**KINDS[kind])
    program = exported(model, torch.randn(2, 3, *HW))
    for size in (1, 2, 5):
        x = torch.randn(size, 3, *HW)
        torch.testing.assert_close(program(x), model(x))


FFNS = ['IndividualFFN', 'IndividualSharedFFN', 'PartiallySharedFFN']


@pytest.mark.parametrize('ffn', FFNS)
def test_experts_are_exported_for_any_batch_size_and_order(ffn):
    model = backbone(ffn=dict(type=ffn, num_experts=3))
    program = exported(model, torch.randn(2, 3, *HW), torch.tensor([2, 0]))
    for index in ([1], [0, 2], [2, 0, 2, 1, 1]):
        x, index = torch.randn(len(index), 3, *HW), torch.tensor(index)
        torch.testing.assert_close(program(x, index), model(x, index))


def test_experts_are_compiled_as_one_graph_with_the_same_gradients():
    model = backbone(ffn=dict(type='PartiallySharedFFN', num_experts=3))
    x, index = torch.randn(5, 3, *HW), torch.tensor([0, 0, 1, 1, 1])  # no sample of the third
    compiled = torch.compile(model, fullgraph=True, backend='aot_eager')
    gradients = []
    for run in (model, compiled):
        model.zero_grad()
        (features,) = run(x, index)
        (features**2).sum().backward()
        gradients.append({name: each.grad for name, each in model.named_parameters()})
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, msg=name)


@pytest.mark.filterwarnings('ignore::torch.jit.TracerWarning')
@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_of_backbone_is_traced_for_any_batch_size(kind):
    model = backbone(**KINDS[kind])
    program = torch.jit.trace(model, torch.randn(2, 3, *HW))
    x = torch.randn(5, 3, *HW)
    torch.testing.assert_close(program(x), model(x))


class PatchPrediction(nn.Module):
    """Predicts patches with a masked autoencoder, for given indices of kept patches."""

    def __init__(self, mae):
        super().__init__()
        self.mae = mae

    def forward(self, inputs, kept):
        return self.mae.predict_patches(inputs, kept)


def test_a_masked_autoencoder_is_exported_for_any_batch_size():
    patch = dict(kernel_size=16, stride=16, padding=0)
    mae = MODELS.build(
        dict(
            type='MaskedAutoencoder',
            backbone=dict(type='ViT', arch=ARCH, input_hw=HW, patch=patch),
            decoder=dict(type='MaskedDecoder', depth=1, dim=8, num_heads=2),
        )
    ).eval()
    x = torch.randn(2, 3, *HW)
    program = exported(PatchPrediction(mae), x, mae.choose(x))
    x = torch.randn(5, 3, *HW)
    kept = mae.choose(x)
    torch.testing.assert_close(program(x, kept), mae.predict_patches(x, kept))
