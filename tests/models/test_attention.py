import pytest
import torch

from vitpose_plus.models import FullAttention


def test_full_attention_is_softmax_of_scaled_products():
    attention = FullAttention(dim=12, num_heads=3).double()
    x = torch.randn(2, 7, 12, dtype=torch.float64)
    q, k, v = attention.qkv(x).view(2, 7, 3, 3, 4).unbind(2)
    weights = torch.einsum('bnmd,bkmd->bmnk', q, k).div(4**0.5).softmax(-1)
    by_hand = attention.proj(torch.einsum('bmnk,bkmd->bnmd', weights, v).reshape(2, 7, 12))
    torch.testing.assert_close(attention(x, (7, 1)), by_hand, rtol=0, atol=1e-12)


def test_full_attention_does_not_see_order():
    attention = FullAttention(dim=8, num_heads=2).double()
    x, order = torch.randn(1, 6, 8, dtype=torch.float64), torch.randperm(6)
    torch.testing.assert_close(
        attention(x, (2, 3))[:, order], attention(x[:, order], (2, 3)), rtol=0, atol=1e-12
    )


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match='dim=10 must be a multiple of num_heads=3'):
        FullAttention(dim=10, num_heads=3)
