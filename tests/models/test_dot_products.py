"""Attention by two matrix products: equal to torch's kernel, and where it is used."""

import pytest
import torch

from vitpose_plus.models import FullAttention, dot_products

SCALE = 0.3


def tensors(dtype, keys=7, wider=0, requires_grad=True):
    """Queries, keys and values that are views, as those of ``FullAttention``."""
    torch.manual_seed(0)
    shapes = (2, 5, 3, 8 + wider), (2, keys, 3, 8 + wider), (2, keys, 3, 8)
    made = [torch.randn(shape, dtype=torch.float64).to(dtype).transpose(1, 2) for shape in shapes]
    return [each.requires_grad_(requires_grad) for each in made]


def result_and_gradients(function, inputs):
    inputs = [each.detach().requires_grad_() for each in inputs]
    out = function(*inputs)
    out.backward(torch.ones_like(out).cumsum(2))
    return [out.detach(), *(each.grad for each in inputs)]


def fused(q, k, v):
    return dot_products.by_kernel(q, k, v, None, SCALE)


def two_products(q, k, v):
    return dot_products.by_two_products(q, k, v, SCALE)


@pytest.fixture
def used(monkeypatch):
    """The shapes of the queries for which ``attend`` uses the two products."""
    calls, products = [], dot_products.by_two_products

    def record(q, *others):
        calls.append(q.shape)
        return products(q, *others)

    monkeypatch.setattr(dot_products, 'by_two_products', record)
    monkeypatch.setattr(dot_products, 'PRODUCTS_ARE_FASTER', True)
    return calls


@pytest.mark.parametrize('wider', [0, 4])
def test_two_products_are_the_attention_of_torch(wider):
    inputs = tensors(torch.float64, wider=wider)
    both = (result_and_gradients(way, inputs) for way in (two_products, fused))
    for a, b in zip(*both, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_in_bf16_results_and_gradients_are_near_those_of_double_precision(used):
    """bf16 has 8 bits. Scores of up to 4 are rounded, so a weight differs by up to 4 / 2**9."""
    inputs = tensors(torch.bfloat16)
    found = result_and_gradients(lambda *qkv: dot_products.attend(*qkv, None, SCALE), inputs)
    assert used
    exact = result_and_gradients(fused, [each.double() for each in inputs])
    for a, b in zip(found, exact, strict=True):
        assert a.dtype == torch.bfloat16
        assert (a.double() - b).norm() <= 0.02 * b.norm()


def test_only_a_training_in_bf16_on_a_processor_uses_two_products(used, monkeypatch):
    def attend(*inputs, mask=None):
        return dot_products.attend(*inputs, mask, SCALE)

    attend(*tensors(torch.bfloat16))
    assert len(used) == 1
    attend(*tensors(torch.float32))
    attend(*tensors(torch.bfloat16), mask=torch.ones(5, 7, dtype=torch.bool))
    attend(*tensors(torch.bfloat16, keys=dot_products.FEW_KEYS + 1))
    attend(*(each.to('meta') for each in tensors(torch.bfloat16)))
    monkeypatch.setattr(dot_products, 'PRODUCTS_ARE_FASTER', False)
    attend(*tensors(torch.bfloat16))
    assert len(used) == 1


def test_without_gradients_the_kernel_of_torch_is_used(used):
    inputs = tensors(torch.bfloat16)
    with torch.no_grad():
        found = dot_products.attend(*(each * 1 for each in inputs), None, SCALE)
        assert torch.equal(found, fused(*inputs))
    assert not used


@pytest.mark.parametrize('rel_pos', [None, dict(type='RelativePosition')])
def test_a_training_under_autocast_uses_two_products(used, rel_pos):
    attention = FullAttention(16, 2, (2, 3), rel_pos)
    with torch.autocast('cpu', torch.bfloat16):
        attention(torch.randn(2, 6, 16), (2, 3)).sum().backward()
    assert len(used) == 1
    assert all(p.grad is not None for p in attention.parameters())
