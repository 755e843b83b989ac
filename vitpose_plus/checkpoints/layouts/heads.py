"""Heads of several datasets: other layouts number them, our layout names them after the datasets.

Before the heads are named, a state dict has ``head.*`` for the first head and
``head.others.{j}.*`` for head j + 1. ``head.dataset_names`` contains the order of the experts.
"""

import re
from collections.abc import Iterable, Mapping

from vitpose_plus.checkpoints.layouts.layout import State
from vitpose_plus.errors import UserError
from vitpose_plus.models import dataset_names
from vitpose_plus.models.dataset_names import dataset_name, module_name

# Datasets -> keypoints of the released files, in the order of their heads and experts.
SIX = dict(coco=17, aic=14, mpii=16, ap10k=17, apt36k=17, coco_wholebody=133)
FOUR = dict(coco=17, aic=14, mpii=16, crowdpose=14)
THREE = dict(coco=17, aic=14, mpii=16)
RELEASED = {6: SIX, 4: FOUR, 3: THREE}

OTHER = re.compile(r'head\.others\.(\d+)\.(.+)')
NAMES = f'head.{dataset_names.KEY}'
NAMED = re.compile(r'head\.heads\.([^.]+)\.(.+)')


def has_head(state: State) -> bool:
    """Whether there is a head. MAE's files contain a backbone only."""
    return any(key.startswith('head.') and key != NAMES for key in state)


def name_heads(state: State, datasets: Mapping[str, int] | None) -> State:
    """Numbered heads -> ``head.heads.{dataset}.*``, and the names of all datasets.

    The only head of a plain model stays ``head.*``.
    """
    others = {int(match[1]) for key in state if (match := OTHER.fullmatch(key))}
    experts = next((v.shape[0] for k, v in state.items() if '.experts.' in k), 0)
    if not others and not experts:
        return state
    num_heads = max(others, default=-1) + 2
    datasets = datasets or RELEASED.get(experts or num_heads) or {}
    if not num_heads <= len(datasets) <= (experts or num_heads):  # Hugging Face has one head only
        raise UserError(
            f'The file has {num_heads} heads and {experts or "no"} experts, which does not agree '
            f'with {len(datasets) or "any known list of"} datasets: name the config of this model '
            'with --config.'
        )
    names = list(datasets)
    named = {key: value for key, value in state.items() if not key.startswith('head.')}
    heads = {name: {} for name in names}
    for key, value in state.items():
        if match := OTHER.fullmatch(key):
            heads[names[int(match[1]) + 1]][match[2]] = value
        elif key.startswith('head.'):
            heads[names[0]][key.removeprefix('head.')] = value
    rows = _own_rows(heads, datasets)
    if not rows:  # an encoder with experts
        return named
    return named | rows | {NAMES: dataset_names.to_tensor(names)}


def _own_rows(heads: dict[str, State], datasets: Mapping[str, int]) -> State:
    """Heads by name. Heads as wide as the widest dataset are cut to their own keypoints.

    If the heads are in another order, one of them does not have its dataset's width: this raises a
    ``UserError``.
    """
    widest = max(datasets.values())
    named = {}
    for name, head in heads.items():
        width = len(head.get('final_layer.weight', ()))
        if head and width not in (datasets[name], widest):
            raise UserError(
                f"The file's head for {name} has {width} keypoints where the dataset has "
                f'{datasets[name]}: name the config of this model with --config.'
            )
        for part, value in head.items():
            own = value[: datasets[name]] if part.startswith('final_layer.') else value
            named[f'{own_prefix(name)}{part}'] = own
    return named


def number_heads(state: State) -> State:
    """The opposite of ``name_heads``."""
    names = expert_order(state)
    numbered = {}
    for key, value in state.items():
        if match := NAMED.fullmatch(key):
            place = names.index(dataset_name(match[1]))
            key = f'head.others.{place - 1}.{match[2]}' if place else f'head.{match[2]}'
        if key != NAMES:
            numbered[key] = value
    return numbered


def own_prefix(dataset: str) -> str:
    """The prefix of the keys of a dataset's head."""
    return f'head.heads.{module_name(dataset)}.'


def dataset_heads(state: State) -> list[str]:
    """The datasets that have a head, in the order of the file; a plain model has none."""
    return dataset_names.in_order(state, 'head.heads.')


def decoder_of(state: State, dataset: str) -> State:
    """The weights of a dataset's decoder, without a prefix; empty if it has none."""
    prefix = own_prefix(dataset)
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def expert_order(state: State, expected: Iterable[str] = ()) -> list[str]:
    """The datasets in the order of their experts.

    The file states it in ``head.dataset_names``. In older files it is the order of the keys.

    Args:
        state: Weights of several datasets, in our layout.
        expected: The model's datasets, for an older file whose keys were sorted by a tool.

    Raises:
        UserError: The order is unknown, or the file contradicts itself.
    """
    found, expected = dataset_heads(state), list(expected)
    if NAMES in state:
        names = dataset_names.from_tensor(state[NAMES])
        if unlisted := set(found) - set(names):
            raise UserError(
                f'It has a head for {sorted(unlisted)[0]}, which is not among its {NAMES} '
                f'({", ".join(names)}): rename both, or neither.'
            )
        return names
    if len(found) < 2 or not dataset_names.are_sorted(state):
        return found
    if set(found) != set(expected):
        raise UserError(
            'The order of its datasets is unknown, as its keys are sorted: give the config it was '
            'trained with (--config).'
        )
    if found != expected:
        dataset_names.warn_of(expected)
    return expected


def with_names(state: State, expected: Iterable[str] | None) -> State:
    """Adds the names of the datasets, which older files lack; a plain model needs none."""
    if not dataset_heads(state):
        return state
    return {**state, NAMES: dataset_names.to_tensor(expert_order(state, expected or ()))}
