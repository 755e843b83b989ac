"""Tests on a CUDA device: results equal those of the CPU, and mixed precision works."""

import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmpose.registry import DATASETS, MODELS

from tests.helpers.comparing import assert_same

pytestmark = pytest.mark.gpu


@pytest.fixture
def batch(tiny_config):
    dataset = DATASETS.build(tiny_config.train_dataloader.dataset)
    return pseudo_collate([part[i] for i in range(2) for part in dataset.datasets])


def test_heatmaps_equal_those_of_the_cpu(tiny_config, batch):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    model = MODELS.build(tiny_config.model).eval()
    model.test_cfg.update(output_heatmaps=True)
    cpu, gpu = [], []
    for device, maps in (('cpu', cpu), ('cuda', gpu)):
        with torch.no_grad():
            samples = model.to(device).test_step(batch)
        maps += [sample.pred_fields.heatmaps.cpu() for sample in samples]
    for a, b in zip(cpu, gpu, strict=True):
        assert_same(b, a, roundings=256)  # a GPU's kernels may sum in another order


@pytest.mark.parametrize('dtype', ['float16', 'bfloat16'])
def test_the_loss_decreases_in_mixed_precision(tiny_config, batch, dtype):
    model = MODELS.build(tiny_config.model).cuda().train()
    wrapper = dict(tiny_config.optim_wrapper, type='AmpOptimWrapper', dtype=dtype)
    optim_wrapper = build_optim_wrapper(model, wrapper)
    losses = [model.train_step(batch, optim_wrapper)['loss'].item() for _ in range(20)]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    'kind', ['FullAttention', 'WindowAttention', 'ShiftedPoolingWindowAttention']
)
def test_attention_in_bfloat16_is_close_to_full_precision_on_the_cpu(kind):
    """The relative positions are not near zero, and the windows do not divide the grid."""
    hw = (14, 10)
    rel_pos = dict(type='RelativePosition')
    attention = MODELS.build(dict(type=kind, dim=64, num_heads=2, grid_hw=hw, rel_pos=rel_pos))
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    x = torch.randn(2, 140, 64)
    exact = attention(x, hw)
    with torch.autocast('cuda', torch.bfloat16):
        found = attention.cuda()(x.cuda(), hw)
    assert_same(found.float().cpu(), exact, roundings=4, precision=torch.bfloat16)
