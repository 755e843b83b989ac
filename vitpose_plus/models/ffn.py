"""Feed-forward networks (FFNs), with ``forward(x, dataset_index)``, ``fold`` and ``load_shared``.

Shapes: B batch, N tokens, C channels, F hidden width (4 C), E experts, P channels of an expert.
``dataset_index`` (B,) has the number of each sample's expert. It is on the CPU, so that the choice
of experts never waits for the device.
"""

from copy import deepcopy

import torch
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from vitpose_plus.errors import UserError


@MODELS.register_module()
class SharedFFN(nn.Module):
    """The FFN of a plain transformer, for all datasets: the papers' multi-task baseline."""

    def __init__(self, dim: int, hidden_dim: int | None = None) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim or 4 * dim)
        self.fc2 = nn.Linear(self.fc1.out_features, dim)

    def forward(self, x: Tensor, dataset_index: Tensor | None = None) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))

    def fold(self, index: int) -> 'SharedFFN':
        """The dense FFN for dataset ``index``: a copy of this one."""
        return deepcopy(self)

    def load_shared(self, ffn: 'SharedFFN') -> None:
        """Copies the weights of a dense FFN of the same size."""
        self.load_state_dict(ffn.state_dict())


class ExpertLinear(nn.Module):
    """E linear layers in one stacked tensor: weight (E, P, F), bias (E, P).

    An expert whose dataset is missing from the batch gets a gradient of exactly zero, as in the
    authors' code. Their code runs every expert on every sample, and masks the results. Here each
    sample runs through one expert only.
    """

    def __init__(self, num_experts: int, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_experts, out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(num_experts, out_features))
        nn.init.trunc_normal_(self.weight, std=0.02)

    def forward(self, x: Tensor, dataset_index: Tensor) -> Tensor:
        """(B, N, F) -> (B, N, P): each sample goes through its own expert.

        Neighbouring samples of one dataset share one matrix product. Every order is correct. A
        batch sorted by dataset, as in ``MultiDatasetTopdown``, is fastest: one slice per expert.
        The number of slices depends on the values of ``dataset_index``, so a captured graph
        (``torch.compile``, ``torch.export``) has one matrix product per sample instead.
        """
        if torch.compiler.is_compiling():
            return self.by_sample(x, dataset_index)
        index, counts = torch.unique_consecutive(dataset_index, return_counts=True)
        index, counts = index.tolist() or [0], counts.tolist() or [0]  # no sample: one empty run
        x, weight, bias = _cast(x, self.weight, self.bias)
        experts = list(zip(weight.unbind(), bias.unbind(), strict=True))
        for number in index:
            self.check(number)
        runs = zip(x.split(counts), index, strict=True)
        return torch.cat([F.linear(run, *experts[number]) for run, number in runs])

    def by_sample(self, x: Tensor, dataset_index: Tensor) -> Tensor:
        """The same as ``forward``; copies the weights of an expert for each of its samples."""
        index = dataset_index.to(x.device)
        x, weight, bias = _cast(x, self.weight, self.bias)
        return torch.baddbmm(bias[index][:, None], x, weight[index].mT)

    def expert(self, index: int) -> tuple[Tensor, Tensor]:
        """Weight (P, F) and bias (P,) of an expert; a ``UserError`` if there is none."""
        self.check(index)
        return self.weight[index], self.bias[index]

    def check(self, index: int) -> None:
        """Raises a ``UserError`` if there is no expert with this number."""
        if not 0 <= index < len(self.weight):
            raise UserError(
                f'There is no expert {index} of num_experts={len(self.weight)} (counted from 0): '
                'give every dataset an expert.'
            )


def _cast(*tensors: Tensor) -> list[Tensor]:
    """Casts tensors of one device to the precision of autocast, if this is on.

    Autocast would cast the weight of every expert by itself, which takes longer than the cast of
    the stacked weight. Its cache is for complete parameters only.
    """
    kind = tensors[0].device.type
    if not (torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind)):
        return list(tensors)  # the first check is for the device meta
    return [tensor.to(torch.get_autocast_dtype(kind)) for tensor in tensors]


def _required(dataset_index: Tensor | None, ffn: nn.Module) -> Tensor:
    if dataset_index is None:
        raise ValueError(
            f"{type(ffn).__name__} needs each sample's dataset_index: use a MultiDatasetTopdown, "
            'or fold the model into a plain one first.'
        )
    return dataset_index


@MODELS.register_module()
class IndividualFFN(nn.Module):
    """I-FFN of ViTPose+'s ablation: every dataset has its own FFN, without shared weights."""

    def __init__(self, dim: int, num_experts: int) -> None:
        super().__init__()
        self.fc1_experts = ExpertLinear(num_experts, dim, 4 * dim)
        self.fc2_experts = ExpertLinear(num_experts, 4 * dim, dim)

    def forward(self, x: Tensor, dataset_index: Tensor | None) -> Tensor:
        index = _required(dataset_index, self)
        return self.fc2_experts(F.gelu(self.fc1_experts(x, index)), index)

    @torch.no_grad()
    def fold(self, index: int) -> SharedFFN:
        """The FFN of dataset ``index``, as a copy."""
        folded = SharedFFN(self.fc2_experts.bias.shape[1]).to(self.fc1_experts.weight)
        for linear, experts in self._pairs(folded):
            weight, bias = experts.expert(index)
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
        return folded

    @torch.no_grad()
    def load_shared(self, ffn: SharedFFN) -> None:
        """Copies a dense FFN into the FFN of every dataset."""
        for linear, experts in self._pairs(ffn):
            experts.weight.copy_(linear.weight.expand_as(experts.weight))
            experts.bias.copy_(linear.bias.expand_as(experts.bias))

    def _pairs(self, ffn: SharedFFN) -> tuple[tuple[nn.Linear, ExpertLinear], ...]:
        return (ffn.fc1, self.fc1_experts), (ffn.fc2, self.fc2_experts)


@MODELS.register_module()
class IndividualSharedFFN(nn.Module):
    """IS-FFN of ViTPose+'s ablation: a shared FFN plus the FFN of the dataset.

    The papers give no details. Our reading: both have full width, and their outputs are added.
    """

    def __init__(self, dim: int, num_experts: int) -> None:
        super().__init__()
        self.shared = SharedFFN(dim)
        self.individual = IndividualFFN(dim, num_experts)

    def forward(self, x: Tensor, dataset_index: Tensor | None) -> Tensor:
        return self.shared(x) + self.individual(x, dataset_index)

    @torch.no_grad()
    def fold(self, index: int) -> SharedFFN:
        """The dense FFN for dataset ``index``, with double width: it gives exactly the same sum."""
        parts = self.shared, self.individual.fold(index)
        first, second = ([part.get_submodule(name) for part in parts] for name in ('fc1', 'fc2'))
        hidden_dim = sum(fc1.out_features for fc1 in first)
        folded = SharedFFN(first[0].in_features, hidden_dim).to(first[0].weight)
        folded.fc1.weight.copy_(torch.cat([fc1.weight for fc1 in first]))
        folded.fc1.bias.copy_(torch.cat([fc1.bias for fc1 in first]))
        folded.fc2.weight.copy_(torch.cat([fc2.weight for fc2 in second], dim=1))
        folded.fc2.bias.copy_(sum(fc2.bias for fc2 in second))
        return folded

    @torch.no_grad()
    def load_shared(self, ffn: SharedFFN) -> None:
        """Copies a dense FFN into the shared one; the individual ones copy fc1, with a zero fc2."""
        self.shared.load_state_dict(ffn.state_dict())
        self.individual.load_shared(ffn)
        for parameter in self.individual.fc2_experts.parameters():
            parameter.zero_()


@MODELS.register_module()
class PartiallySharedFFN(nn.Module):
    """PS-FFN of ViTPose+ (ViTPose++, section 3): an expert per dataset gives the last P channels.

    fc1 (C -> F) and GELU are shared. A shared fc2 (F -> C - P) gives the first output channels, the
    expert of the dataset (F -> P) the last ones. P is ``expert_dim``: by default a quarter of C, as
    in all released models.
    """

    def __init__(self, dim: int, num_experts: int, expert_dim: int | None = None) -> None:
        super().__init__()
        expert_dim = expert_dim or dim // 4
        if expert_dim >= dim:
            raise UserError(f'expert_dim={expert_dim} must be smaller than dim={dim}.')
        self.fc1 = nn.Linear(dim, 4 * dim)
        self.fc2 = nn.Linear(4 * dim, dim - expert_dim)
        self.experts = ExpertLinear(num_experts, 4 * dim, expert_dim)

    def forward(self, x: Tensor, dataset_index: Tensor | None) -> Tensor:
        index = _required(dataset_index, self)
        x = F.gelu(self.fc1(x))
        return torch.cat([self.fc2(x), self.experts(x, index)], dim=-1)

    @torch.no_grad()
    def fold(self, index: int) -> SharedFFN:
        """The dense FFN for dataset ``index``: fc2 has the shared rows, then the expert's rows."""
        folded = SharedFFN(self.fc1.in_features).to(self.fc2.weight)
        folded.fc1.load_state_dict(self.fc1.state_dict())
        weight, bias = self.experts.expert(index)
        folded.fc2.weight.copy_(torch.cat([self.fc2.weight, weight]))
        folded.fc2.bias.copy_(torch.cat([self.fc2.bias, bias]))
        return folded

    @torch.no_grad()
    def load_shared(self, ffn: SharedFFN) -> None:
        """Copies a dense FFN: every expert is a copy of the last rows of its fc2."""
        shared = self.fc2.out_features
        self.fc1.load_state_dict(ffn.fc1.state_dict())
        self.fc2.weight.copy_(ffn.fc2.weight[:shared])
        self.fc2.bias.copy_(ffn.fc2.bias[:shared])
        self.experts.weight.copy_(ffn.fc2.weight[shared:].expand_as(self.experts.weight))
        self.experts.bias.copy_(ffn.fc2.bias[shared:].expand_as(self.experts.bias))
