"""A guard of the speed: ratios of ways that take turns, with wide margins, never seconds.

A ratio that is too small is measured again with more rounds, because another program may have
slowed one of the ways down. The bound is on the median of all rounds.
"""

import statistics
from functools import partial

import pytest
import torch
from mmpose.registry import MODELS

from vitpose_plus.benchmarking.decoding import codec_of, gaussians, one_by_one
from vitpose_plus.benchmarking.dense import DenseExperts
from vitpose_plus.benchmarking.meters import CpuMeter
from vitpose_plus.benchmarking.timing import alternate
from vitpose_plus.benchmarking.ways import Way
from vitpose_plus.compat import processor_instructions
from vitpose_plus.inference.prepared import prepare
from vitpose_plus.models import dot_products
from vitpose_plus.models.ffn import PartiallySharedFFN

CPU = torch.device('cpu')
ROUNDS = 5
TRIES = 4  # each try adds rounds


def assert_faster(fast, slow, least):
    """Asserts that ``slow`` takes at least ``least`` times as long as ``fast``."""
    ways = [Way(name, 'fp32', run, 1) for name, run in (('fast', fast), ('slow', slow))]
    seconds = [[], []]
    for _ in range(TRIES):
        for own, measured in zip(seconds, alternate(ways, ROUNDS, CpuMeter(CPU)), strict=True):
            own += measured.seconds
        ratio = statistics.median(seconds[1]) / statistics.median(seconds[0])
        if ratio >= least:
            return
    pytest.fail(f'The ratio is {ratio:.2f} after {len(seconds[0])} rounds, and not {least}.')


def step(ffn, x, index):
    ffn(x, index).sum().backward()


def test_experts_are_faster_than_all_experts_on_all_samples():
    """By the number of products the ratio is 1.6 for six experts; about 1.5 is measured."""
    experts, dense = PartiallySharedFFN(192, 6), PartiallySharedFFN(192, 6)
    dense.experts = DenseExperts(dense.experts)
    x, index = torch.randn(12, 96, 192), torch.arange(12) // 2
    assert_faster(partial(step, experts, x, index), partial(step, dense, x, index), 1.15)


def test_a_batch_is_decoded_faster_than_its_samples():
    """About 7 is measured, with mmpose's ``UDPHeatmap`` for the samples."""
    heatmaps = gaussians(17, CPU)[:32]
    batched = partial(codec_of('BatchedUDPHeatmap').batch_decode, heatmaps)
    assert_faster(batched, partial(one_by_one, codec_of('UDPHeatmap'), heatmaps), 2.5)


@pytest.mark.skipif(
    not dot_products.PRODUCTS_ARE_FASTER,
    reason='the processor has AMX, or no AVX512_BF16: attention has no products there',
)
def test_two_products_train_faster_than_the_kernel_of_torch():
    """Forward and backward pass; about 2.5 is measured."""
    shape = (4, 12, 192, 64)
    q, k, v = (torch.randn(shape).bfloat16().requires_grad_() for _ in range(3))

    def train(attend, *others):
        attend(q, k, v, *others, 0.125).sum().backward()

    fast = partial(train, dot_products.by_two_products)
    slow = partial(train, dot_products.by_kernel, None)
    assert_faster(fast, slow, 1.3)


@pytest.mark.skipif(
    not processor_instructions().get('amx_bf16'),
    reason='the processor has no AMX, so bf16 may be no faster',
)
def test_bf16_is_faster_than_fp32_with_amx():
    """A layer of ViTPose-B on its own gives 4 and more."""
    backbone = dict(type='ViT', arch=dict(depth=2, dim=768, num_heads=12))
    head = dict(type='HeatmapHead', in_channels=768, out_channels=17)
    model = MODELS.build(dict(type='TopdownPoseEstimator', backbone=backbone, head=head)).eval()
    crops = torch.randn(2, 3, 256, 192)
    fast, slow = (partial(prepare(model, precision=p), crops) for p in ('bf16', 'fp32'))
    assert_faster(fast, slow, 1.5)
