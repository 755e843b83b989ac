"""Folds one expert of a backbone's FFNs into plain FFNs, from the weights alone.

Shapes: C channels, E experts, P channels of an expert, F hidden width.
"""

import torch
from torch import Tensor, nn

from vitpose_plus.checkpoints.layouts.layout import LAYER, State
from vitpose_plus.errors import UserError
from vitpose_plus.models.ffn import IndividualFFN, IndividualSharedFFN, PartiallySharedFFN


def fold_experts(state: State, index: int) -> State:
    """Makes a plain backbone from a backbone with experts, in our layout.

    Every FFN is folded by its own class, as in ``split``. The other weights are unchanged.

    Args:
        state: Weights with keys ``backbone.*``.
        index: The number of the expert, from 0.
    """
    groups, folded = {}, {}
    for key, value in state.items():
        before, ffn, name = key.partition('.ffn.')
        if ffn and LAYER.match(key):
            groups.setdefault(f'{before}{ffn}', {})[name] = value
        else:
            folded[key] = value
    for prefix, own in groups.items():
        plain = _ffn_of(own).fold(index)
        folded |= {f'{prefix}{name}': value for name, value in plain.state_dict().items()}
    return folded


def _ffn_of(own: dict[str, Tensor]) -> nn.Module:
    """The FFN with these weights. It is built on the meta device, so nothing is initialised."""
    parts = frozenset(name.rpartition('.')[0] for name in own)
    if parts not in KINDS:
        raise UserError(
            f'It has an FFN of {", ".join(sorted(parts))}, which cannot be folded: give a '
            'checkpoint whose FFNs are plain.'
        )
    with torch.device('meta'):
        ffn = KINDS[parts](own)
    ffn.load_state_dict(own, assign=True)
    return ffn


def _individual(own: dict[str, Tensor]) -> IndividualFFN:
    experts, dim = own['fc2_experts.bias'].shape
    return IndividualFFN(dim, experts)


def _individual_shared(own: dict[str, Tensor]) -> IndividualSharedFFN:
    experts, dim = own['individual.fc2_experts.bias'].shape
    return IndividualSharedFFN(dim, experts)


def _partially_shared(own: dict[str, Tensor]) -> PartiallySharedFFN:
    experts, expert_dim = own['experts.bias'].shape
    return PartiallySharedFFN(own['fc1.weight'].shape[1], experts, expert_dim)


# The parts of an FFN -> the function that builds it.
KINDS = {
    frozenset({'fc1_experts', 'fc2_experts'}): _individual,
    frozenset(
        {'shared.fc1', 'shared.fc2', 'individual.fc1_experts', 'individual.fc2_experts'}
    ): _individual_shared,
    frozenset({'fc1', 'fc2', 'experts'}): _partially_shared,
}
