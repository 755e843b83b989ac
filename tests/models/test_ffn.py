"""Laws of the FFNs: folding, starting from a dense one, routing, gradients of absent experts."""

import pytest
import torch

from vitpose_plus.models import ExpertLinear, PartiallySharedFFN, SharedFFN

DIM, EXPERTS, TOKENS = 16, 3, 5


@pytest.fixture
def ffn():
    return PartiallySharedFFN(DIM, EXPERTS).double()


@pytest.fixture
def x():
    return torch.randn(6, TOKENS, DIM, dtype=torch.float64)


def test_expert_is_a_quarter_of_the_width(ffn):
    assert ffn.experts.weight.shape == (EXPERTS, DIM // 4, 4 * DIM)
    assert ffn.fc2.out_features == DIM - DIM // 4


@pytest.mark.parametrize('dataset', range(EXPERTS))
def test_fold_equals_running_as_that_dataset(ffn, x, dataset):
    torch.testing.assert_close(
        ffn.fold(dataset)(x), ffn(x, torch.full((6,), dataset)), rtol=0, atol=1e-12
    )


def test_fold_of_the_shared_ffn_is_an_independent_copy(x):
    ffn = SharedFFN(DIM).double()
    folded = ffn.fold(0)
    torch.testing.assert_close(folded(x), ffn(x, None), rtol=0, atol=0)
    folded.fc1.weight.data.zero_()
    assert ffn.fc1.weight.abs().sum() > 0


def test_load_shared_then_fold_is_the_identity(ffn):
    dense = SharedFFN(DIM).double()
    ffn.load_shared(dense)
    for dataset in range(EXPERTS):
        for name, value in ffn.fold(dataset).state_dict().items():
            assert torch.equal(value, dense.state_dict()[name])


@pytest.mark.parametrize('index', [[0, 0, 0, 0, 0, 0], [2, 0, 1, 1, 0, 2], [0, 0, 1, 1, 2, 2]])
def test_mixed_batch_equals_every_image_alone(ffn, x, index):
    together = ffn(x, torch.tensor(index))
    alone = torch.cat([ffn(x[i : i + 1], torch.tensor([d])) for i, d in enumerate(index)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


def test_routing_equals_running_every_expert_and_masking():
    """The authors' way: all experts on all images, masked by dataset, summed."""
    experts = ExpertLinear(EXPERTS, 8, 4)
    x, index = torch.randn(5, TOKENS, 8), torch.tensor([1, 0, 2, 1, 1])
    masked = sum(
        torch.nn.functional.linear(x, experts.weight[e], experts.bias[e])
        * (index == e)[:, None, None]
        for e in range(EXPERTS)
    )
    torch.testing.assert_close(experts(x, index), masked)


def test_absent_experts_get_a_gradient_of_exactly_zero(ffn, x):
    ffn(x, torch.tensor([0, 2, 0, 2, 0, 0])).square().sum().backward()
    for parameter in (ffn.experts.weight, ffn.experts.bias):
        assert torch.count_nonzero(parameter.grad[1]) == 0
        assert parameter.grad[[0, 2]].abs().flatten(1).sum(1).gt(0).all()


def test_errors():
    with pytest.raises(ValueError, match=r"needs each image's dataset_index"):
        PartiallySharedFFN(DIM, EXPERTS)(torch.randn(1, 2, DIM), None)
    with pytest.raises(ValueError, match='expert_dim=16 must be smaller than dim=16'):
        PartiallySharedFFN(DIM, EXPERTS, expert_dim=16)
