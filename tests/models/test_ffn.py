"""The FFNs: folding, loading a dense FFN, choice of experts, gradients of missing datasets."""

import pytest
import torch
from mmpose.registry import MODELS
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from vitpose_plus.errors import UserError
from vitpose_plus.models import (
    ExpertLinear,
    IndividualFFN,
    IndividualSharedFFN,
    PartiallySharedFFN,
    SharedFFN,
)

DIM, EXPERTS, TOKENS = 16, 3, 5
KINDS = [SharedFFN, IndividualFFN, IndividualSharedFFN, PartiallySharedFFN]
# Operations, and parameters with three datasets, as multiples of a dense FFN's.
COSTS = {SharedFFN: 1, IndividualFFN: 1, IndividualSharedFFN: 2, PartiallySharedFFN: 1}
SIZES = {SharedFFN: 1, IndividualFFN: 3, IndividualSharedFFN: 4}
SORTED, MIXED = [0, 0, 1, 1, 2, 2], [2, 0, 1, 1, 0, 2]


def size(module):
    return sum(parameter.numel() for parameter in module.parameters())


def expert_parameters(ffn):
    """The parameters that have a row for every expert."""
    layers = [module for module in ffn.modules() if isinstance(module, ExpertLinear)]
    return [parameter for layer in layers for parameter in layer.parameters()]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def ffn(request):
    """An FFN of each kind, with random parameters instead of zeros."""
    experts = {} if request.param is SharedFFN else dict(num_experts=EXPERTS)
    ffn = request.param(DIM, **experts).double()
    for parameter in ffn.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return ffn


@pytest.fixture
def x():
    return torch.randn(6, TOKENS, DIM, dtype=torch.float64)


def test_expert_is_a_quarter_of_the_width():
    ffn = PartiallySharedFFN(DIM, EXPERTS)
    assert ffn.experts.weight.shape == (EXPERTS, DIM // 4, 4 * DIM)
    assert ffn.fc2.out_features == DIM - DIM // 4


@pytest.mark.parametrize('dataset', range(EXPERTS))
def test_fold_equals_running_as_that_dataset(ffn, x, dataset):
    folded = ffn.fold(dataset)
    assert type(folded) is SharedFFN
    torch.testing.assert_close(folded(x), ffn(x, torch.full((6,), dataset)), rtol=0, atol=1e-12)


def test_datasets_differ_except_in_the_shared_ffn(ffn, x):
    of_each = [ffn(x, torch.full((6,), dataset)) for dataset in range(EXPERTS)]
    assert torch.equal(of_each[0], of_each[1]) == (type(ffn) is SharedFFN)


def test_a_fold_is_an_independent_copy(ffn, x):
    index = torch.zeros(6, dtype=torch.int64)
    before = ffn(x, index)
    for parameter in ffn.fold(0).parameters():
        parameter.data.zero_()
    assert torch.equal(ffn(x, index), before)


def test_load_shared_then_fold_computes_the_same(ffn, x):
    dense = SharedFFN(DIM).double()
    ffn.load_shared(dense)
    for dataset in range(EXPERTS):
        torch.testing.assert_close(ffn.fold(dataset)(x), dense(x), rtol=0, atol=1e-12)


@pytest.mark.parametrize('ffn', [k for k in KINDS if COSTS[k] == 1], indirect=True)
def test_load_shared_then_fold_gives_the_same_weights(ffn):
    """For the kinds whose fold has the width of the dense FFN."""
    dense = SharedFFN(DIM).double()
    ffn.load_shared(dense)
    for dataset in range(EXPERTS):
        for name, value in ffn.fold(dataset).state_dict().items():
            assert torch.equal(value, dense.state_dict()[name])


def test_is_ffn_folds_to_double_width_and_adds_zero_at_first():
    ffn, dense = IndividualSharedFFN(DIM, EXPERTS), SharedFFN(DIM)
    assert ffn.fold(1).fc1.out_features == 2 * dense.fc1.out_features
    ffn.load_shared(dense)
    assert torch.equal(ffn.shared.fc2.weight, dense.fc2.weight)
    assert torch.equal(ffn.individual.fc1_experts.weight[2], dense.fc1.weight)
    assert not any(p.any() for p in ffn.individual.fc2_experts.parameters())


@pytest.mark.parametrize('index', [[0, 0, 0, 0, 0, 0], MIXED, SORTED])
def test_a_mixed_batch_equals_single_images(ffn, x, index):
    together = ffn(x, torch.tensor(index))
    alone = torch.cat([ffn(x[i : i + 1], torch.tensor([d])) for i, d in enumerate(index)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-12)


def test_chosen_experts_equal_all_experts_and_a_mask():
    """The authors' code runs all experts on all images, masks by dataset and sums."""
    experts = ExpertLinear(EXPERTS, 8, 4)
    x, index = torch.randn(5, TOKENS, 8), torch.tensor([1, 0, 2, 1, 1])
    masked = sum(
        torch.nn.functional.linear(x, experts.weight[e], experts.bias[e])
        * (index == e)[:, None, None]
        for e in range(EXPERTS)
    )
    torch.testing.assert_close(experts(x, index), masked)


def test_experts_of_missing_datasets_get_a_gradient_of_zero(ffn, x):
    ffn(x, torch.tensor([0, 2, 0, 2, 0, 0])).square().sum().backward()
    for parameter in expert_parameters(ffn):
        assert torch.count_nonzero(parameter.grad[1]) == 0
        assert parameter.grad[[0, 2]].abs().flatten(1).sum(1).gt(0).all()


def test_every_parameter_gets_a_gradient(ffn, x):
    ffn(x, torch.tensor(MIXED)).square().sum().backward()
    for name, parameter in ffn.named_parameters():
        assert parameter.grad.count_nonzero() == parameter.numel(), name


@pytest.mark.parametrize('index', [MIXED, SORTED])
def test_an_image_runs_only_one_expert(ffn, x, index):
    counted = []
    for run in (lambda: ffn(x, torch.tensor(index)), lambda: SharedFFN(DIM).double()(x)):
        with FlopCounterMode(display=False) as counter:
            run()
        counted.append(counter.get_total_flops())
    assert counted[0] == COSTS[type(ffn)] * counted[1] > 0


def test_number_of_parameters_with_three_datasets(ffn):
    dense = SharedFFN(DIM)
    own = DIM // 4 * (4 * DIM + 1)  # an expert's rows of fc2, with their biases
    wanted = SIZES.get(type(ffn), 1) * size(dense)
    assert size(ffn) == wanted + (type(ffn) is PartiallySharedFFN) * (EXPERTS - 1) * own


def test_a_shared_ffn_needs_no_dataset(x):
    SharedFFN(DIM).double()(x, None)


@pytest.mark.parametrize('kind', [k.__name__ for k in KINDS if k is not SharedFFN])
def test_experts_need_each_image_s_dataset(kind):
    ffn = MODELS.build(dict(type=kind, dim=DIM, num_experts=EXPERTS))
    message = r"FFN needs each sample's dataset_index: use a MultiDatasetTopdown, or fold the model"
    with pytest.raises(ValueError, match=message):
        ffn(torch.randn(1, 2, DIM), None)


WITH_EXPERTS = [kind for kind in KINDS if kind is not SharedFFN]


@pytest.mark.parametrize('ffn', WITH_EXPERTS, indirect=True)
@pytest.mark.parametrize('index', [-1, EXPERTS])
def test_a_missing_expert_is_named(ffn, x, index):
    message = rf'no expert {index} of num_experts={EXPERTS} \(counted from 0\)'
    with pytest.raises(UserError, match=message):
        ffn(x, torch.tensor([0, 0, 1, 1, 2, index]))
    with pytest.raises(UserError, match=message):
        ffn.fold(index)


@pytest.mark.parametrize('ffn', WITH_EXPERTS, indirect=True)
def test_an_empty_batch_gives_empty_features_and_zero_gradients(ffn, x):
    empty = ffn(x[:0], torch.empty(0, dtype=torch.int64))
    assert empty.shape == (0, TOKENS, DIM)
    empty.sum().backward()
    for name, parameter in ffn.named_parameters():
        assert torch.equal(parameter.grad, torch.zeros_like(parameter)), name


@pytest.mark.parametrize('expert_dim', [16, 20])
def test_an_expert_must_be_narrower_than_the_model(expert_dim):
    with pytest.raises(ValueError, match=f'expert_dim={expert_dim} must be smaller than dim=16'):
        PartiallySharedFFN(DIM, EXPERTS, expert_dim=expert_dim)


def test_another_expert_width():
    ffn = PartiallySharedFFN(DIM, EXPERTS, expert_dim=6)
    assert ffn.experts.weight.shape == (EXPERTS, 6, 4 * DIM)
    assert ffn.fold(0).fc2.out_features == DIM


class Casts(TorchDispatchMode):
    """Counts casts of tensors with one matrix for each expert, or of one of these matrices."""

    def __init__(self):
        super().__init__()
        self.stacked = self.single = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function is torch.ops.aten._to_copy.default:
            shape = tuple(args[0].shape)
            self.stacked += shape == (EXPERTS, DIM // 4, 4 * DIM)
            self.single += shape == (DIM // 4, 4 * DIM)
        return function(*args, **kwargs or {})


def test_autocast_casts_the_weights_of_all_experts_once():
    """The values are those of casting each expert: rounding does not depend on the other rows."""
    layer = ExpertLinear(EXPERTS, 4 * DIM, DIM // 4)
    x, index = torch.randn(6, TOKENS, 4 * DIM), torch.tensor(SORTED)
    with torch.autocast('cpu', torch.bfloat16):
        with Casts() as casts:
            found = layer(x, index)
        each = [F.linear(x[i], layer.weight[n], layer.bias[n]) for i, n in enumerate(SORTED)]
    assert (casts.stacked, casts.single) == (1, 0)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found, torch.stack(each), rtol=2**-7, atol=2**-9)
    found.float().sum().backward()
    assert layer.weight.grad.dtype == torch.float32


def test_experts_compute_on_the_device_meta():
    layer = ExpertLinear(EXPERTS, 4 * DIM, DIM // 4).to('meta')
    x = torch.empty(6, TOKENS, 4 * DIM, device='meta')
    assert layer(x, torch.tensor(SORTED)).shape == (6, TOKENS, DIM // 4)
