"""From any layout to ours and on to any other: ``convert`` is the command of the same name."""

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
        state_dict: The weights, named as the target names them.
        source: The layout they came in.
        dropped: Keys of the source that are not in it, by the reason.
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
    """Translates a state dict, strictly: every key is used or dropped for a reason that is named.

    Args:
        state_dict: The weights as the source holds them.
        source: Their layout, a key of ``LAYOUTS``; by default told by unmistakable keys.
        target: The layout that is wanted; MAE's is a source only.
        model: A model whose datasets and input size the weights have, where they differ from the
            released ones (it may be on the meta device).

    Raises:
        UserError: The layout is in doubt, or keys have no place in it.
    """
    source = _agreed(source, state_dict)
    state, dropped = LAYOUTS[source].read(state_dict, facts_of(model))
    return Conversion(LAYOUTS[target].write(state), source, dropped)


def _agreed(source: str | None, state_dict: State) -> str:
    """The layout that is named, or told by its keys; not one that the keys contradict."""
    found = recognised(state_dict)
    if source is None and len(found) != 1:
        raise UserError(
            f'It does not say whose layout it has: name it with --source {"|".join(LAYOUTS)}.'
        )
    if source and found and source not in found:
        raise UserError(
            f'It is not in {LAYOUTS[source].title}, but looks like {LAYOUTS[found[0]].title}: '
            f'leave --source out, or say {found[0]}.'
        )
    return source or found[0]


def facts_of(model: nn.Module | None) -> Facts:
    """Datasets, keypoints and token grid of a model."""
    heads = getattr(getattr(model, 'head', None), 'heads', {})
    datasets = {dataset_name(name): head.out_channels for name, head in heads.items()}
    table = getattr(getattr(model, 'backbone', None), 'pos_embed', None)
    return Facts(datasets or None, None if table is None else tuple(table.shape[1:3]))


def keep_dataset(state: State, dataset: str) -> State:
    """One dataset's plain model, in our layout: its head, and its expert's rows in every FFN.

    Needs no config, but knows only the experts that were ever released; ``split`` knows any.
    """
    known = dataset_heads(state)
    if dataset not in known:
        has = f'it has those of {", ".join(known)}' if known else 'leave the dataset out'
        raise UserError(f'It has no head for {dataset!r}: {has}.')
    if odd := [key for key in state if 'experts.' in key and '.ffn.experts.' not in key]:
        raise UserError(
            f'It has {shortened(odd)}, which only split can fold: split the model first, with its '
            '--config.'
        )
    names, own = expert_order(state), own_prefix(dataset)
    index = names.index(dataset)
    if few := [k for k, v in state.items() if '.ffn.experts.' in k and len(v) <= index]:
        raise UserError(
            f'It has {len(state[few[0]])} experts ({few[0]}) for {len(names)} datasets: it is not '
            'whole, so copy it again.'
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
