"""``convert`` translates a state dict from any layout to any other, through our layout."""

from typing import NamedTuple

import torch
from torch import nn

from vitpose_plus.checkpoints.layouts import LAYOUTS, Facts, recognised
from vitpose_plus.checkpoints.layouts.heads import dataset_heads, expert_order, own_prefix
from vitpose_plus.checkpoints.layouts.layout import State, shortened
from vitpose_plus.errors import UserError
from vitpose_plus.models.dataset_names import dataset_name


class Conversion(NamedTuple):
    """A translated state dict.

    Attributes:
        state_dict: The weights, with the keys of the target layout.
        source: The source layout.
        dropped: Reason -> keys of the source that were left out.
    """

    state_dict: State
    source: str
    dropped: dict[str, list[str]]


def convert(
    state_dict: State,
    source: str | None = None,
    target: str = 'vitpose_plus',
    model: nn.Module | None = None,
) -> Conversion:
    """Translates a state dict strictly: every key is used, or left out for a stated reason.

    Args:
        state_dict: The weights in the source layout.
        source: The source layout, a key of ``LAYOUTS``. By default it is detected from the keys.
        target: The target layout. MAE's layouts can only be a source.
        model: A model with the datasets and the input size of the weights. It is needed if these
            differ from the released models'. It may be on the meta device.

    Raises:
        UserError: The source layout is unclear, or a layout has no place for some keys.
    """
    source = _source_layout(source, state_dict)
    state, dropped = LAYOUTS[source].read(state_dict, facts_of(model))
    return Conversion(LAYOUTS[target].write(state), source, dropped)


def _source_layout(source: str | None, state_dict: State) -> str:
    """The given or detected layout; a ``UserError`` if the keys are in another layout."""
    found = recognised(state_dict)
    if source is None and len(found) != 1:
        raise UserError(
            f'Its layout cannot be detected: name it with --source {"|".join(LAYOUTS)}.'
        )
    if source and found and source not in found:
        raise UserError(
            f'It is not in {LAYOUTS[source].title}, but looks like {LAYOUTS[found[0]].title}: '
            f'leave --source out, or use {found[0]}.'
        )
    return source or found[0]


def facts_of(model: nn.Module | None) -> Facts:
    """The datasets, keypoints and token grid of a model."""
    heads = getattr(getattr(model, 'head', None), 'heads', {})
    datasets = {dataset_name(name): head.out_channels for name, head in heads.items()}
    table = getattr(getattr(model, 'backbone', None), 'pos_embed', None)
    return Facts(datasets or None, None if table is None else tuple(table.shape[1:3]))


def keep_dataset(state: State, dataset: str) -> State:
    """Takes one dataset's plain model out of weights for several, in our layout.

    The result has the dataset's head, and in every FFN the rows of its expert. This needs no
    config, but supports only the kind of experts in released files; ``split`` supports all kinds.
    """
    known = dataset_heads(state)
    if dataset not in known:
        has = f'it has heads for {", ".join(known)}' if known else 'leave the dataset out'
        raise UserError(f'It has no head for {dataset!r}: {has}.')
    if others := [key for key in state if 'experts.' in key and '.ffn.experts.' not in key]:
        raise UserError(
            f'It has {shortened(others)}, which only split can fold into plain FFNs: split the '
            'model first, with its --config.'
        )
    names, own = expert_order(state), own_prefix(dataset)
    index = names.index(dataset)
    if too_few := [k for k, v in state.items() if '.ffn.experts.' in k and len(v) <= index]:
        raise UserError(
            f'It has {len(state[too_few[0]])} experts ({too_few[0]}) for {len(names)} datasets: it '
            'is not complete, so copy it again.'
        )
    kept = {}
    for key, value in state.items():
        if key.startswith(own):
            kept[key.replace(own, 'head.', 1)] = value
        elif '.ffn.fc2.' in key:
            expert = state.get(key.replace('.fc2.', '.experts.'))
            kept[key] = value if expert is None else torch.cat([value, expert[index]])
        elif not key.startswith('head.') and '.experts.' not in key:
            kept[key] = value
    return kept
