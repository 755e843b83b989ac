"""The dense mixture: all experts compute all samples, and one result is kept, as the authors do."""

from collections.abc import Iterator
from copy import deepcopy
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitpose_plus.benchmarking.contenders import Contender
from vitpose_plus.benchmarking.plans import Plan
from vitpose_plus.benchmarking.training import steps, trainable
from vitpose_plus.benchmarking.ways import Role, Way
from vitpose_plus.inference.precisions import PRECISIONS
from vitpose_plus.models.ffn import ExpertLinear


class DenseExperts(nn.Module):
    """The same function as ``ExpertLinear``, with its weights; every expert runs on every sample.

    Args:
        experts: Gives the weights.
    """

    def __init__(self, experts: ExpertLinear) -> None:
        super().__init__()
        self.weight, self.bias = experts.weight, experts.bias

    def forward(self, x: Tensor, dataset_index: Tensor) -> Tensor:
        """(B, N, F) -> (B, N, P)."""
        index = dataset_index.to(x.device, non_blocking=True).view(-1, 1, 1)
        parts = zip(self.weight.unbind(), self.bias.unbind(), strict=True)
        return sum(F.linear(x, *each) * (index == number) for number, each in enumerate(parts))


def with_dense_experts(network: nn.Module) -> bool:
    """Replaces the experts of a network; returns whether it has any."""
    found = [
        (module, name, child)
        for module in network.modules()
        for name, child in module.named_children()
        if isinstance(child, ExpertLinear)
    ]
    for module, name, child in found:
        setattr(module, name, DenseExperts(child))
    return bool(found)


class DenseMixture(Contender):
    """The measured model with dense experts."""

    title = 'all experts on all samples'
    precisions = ('fp32', 'bf16', 'fp16')

    def forward(self, plan: Plan, precision: str) -> Iterator[Way]:
        subject = plan.subject
        network = deepcopy(subject.network)
        if not with_dense_experts(network):
            return
        dtype = PRECISIONS[precision]
        network.to(dtype)
        crops = subject.crops(plan.batch).to(dtype)
        index = torch.full((plan.batch,), subject.number(subject.dataset), device=plan.device)
        run = partial(_heatmaps, network, subject.dataset, crops, index)
        yield plan.forward_way(self.title, precision, run, role=Role.OTHER)

    def train(self, plan: Plan) -> Iterator[Way]:
        network = trainable(plan.subject)
        if with_dense_experts(network):
            yield from steps(plan, self.title, network, role=Role.OTHER)


@torch.inference_mode()
def _heatmaps(network: nn.Module, dataset: str, crops: Tensor, index: Tensor) -> Tensor:
    return network.head.decoders[dataset](network.extract_feat(crops, index))
