"""From any layout to ours and on to any other: ``convert`` is the command of the same name."""

from typing import NamedTuple

from torch import nn

from vitpose_plus.checkpoints.layouts import LAYOUTS, Facts, recognised
from vitpose_plus.checkpoints.layouts.heads import dataset_heads
from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.errors import UserError


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
    source = source or recognise(state_dict)
    state, dropped = LAYOUTS[source].read(state_dict, facts_of(model))
    return Conversion(LAYOUTS[target].write(state), source, dropped)


def recognise(state_dict: State) -> str:
    """The name of the only layout with these keys."""
    found = recognised(state_dict)
    if len(found) != 1:
        raise UserError(
            f'The file does not say whose layout it has: name it with --source {"|".join(LAYOUTS)}.'
        )
    return found[0]


def facts_of(model: nn.Module | None) -> Facts:
    """Datasets, keypoints and token grid of a model."""
    if model is None:
        return Facts()
    heads = getattr(model.head, 'heads', {})
    datasets = {name: head.out_channels for name, head in heads.items()}
    return Facts(datasets or None, tuple(model.backbone.pos_embed.shape[1:3]))


def keep_head(state: State, dataset: str) -> State:
    """A model of ours with the head of one dataset only.

    With experts it stays a multi-dataset model (``split`` folds them); without, it is a plain one.
    """
    known = dataset_heads(state)
    if dataset not in known:
        raise UserError(
            f'The checkpoint has no head for {dataset!r}: it has {", ".join(known) or "one only"}.'
        )
    own = f'head.heads.{dataset}.'
    kept = {k: v for k, v in state.items() if not k.startswith('head.') or k.startswith(own)}
    if any('.experts.' in key for key in kept):
        return kept
    return {key.replace(own, 'head.'): value for key, value in kept.items()}
