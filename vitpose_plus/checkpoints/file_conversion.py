"""Converts a checkpoint file from any layout to any other, for the command ``convert``."""

import torch
from mmengine.config import Config
from torch import nn

from vitpose_plus import files
from vitpose_plus.checkpoints import hugging_face, reading, writing
from vitpose_plus.checkpoints.converting import convert, keep_dataset
from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.layouts import LAYOUTS
from vitpose_plus.checkpoints.layouts.heads import has_head
from vitpose_plus.checkpoints.layouts.layout import State, UnknownKeysError, shortened
from vitpose_plus.checkpoints.matching import counterpart, fitting_configs
from vitpose_plus.checkpoints.splitting import expand
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.models.attention import FullAttention
from vitpose_plus.models.building import build_on_meta
from vitpose_plus.models.dataset_names import KEY
from vitpose_plus.models.positions import resize_table


def convert_file(
    path: str,
    out: str,
    source: str | None = None,
    target: str = 'vitpose_plus',
    config: str | None = None,
    dataset: str | None = None,
    force: bool = False,
) -> None:
    """Translates a file strictly; prints its layout, the keys left out, and the configs it fits.

    Args:
        path: A file, or a folder of Hugging Face.
        out: The file to write; for the target ``hf`` the name of a folder.
        source: The layout of ``path``. By default it is detected from the keys.
        target: The layout of ``out``.
        config: The config of the model whose weights are written.
        dataset: If given, only the plain model of this dataset is written.
        force: Whether ``out`` may be replaced.
    """
    guard = hugging_face if target == 'hf' else files
    guard.refuse_existing(out, force)
    if target == 'hf' and not config:
        raise UserError("--target hf needs the model's --config: config.json is made from it.")
    cfg = read_config(config) if config else None
    with files.about(config or ''):
        model = cfg and build_on_meta(cfg.model)
    given = reading.read(path)
    with files.about(path):
        state, source = _translate(path, given, source, model)
        if dataset:
            state = keep_dataset(state, dataset)
        state = _fit(state, cfg, model)
        eps = hugging_face.norm_eps(path) if source == 'hf' else None
        _write(out, target, state, model)
    print(f'Written: {out}, {LAYOUTS[target].title}.')
    if eps is not None:
        print(
            f'Hugging Face runs it with a LayerNorm eps of {eps:g}: for exactly the same numbers, '
            f'use --cfg-options model.backbone.norm_eps={eps:g}.'
        )


def _translate(
    path: str, given: State, source: str | None, model: nn.Module | None
) -> tuple[State, str]:
    """Returns the weights in our layout, and the source layout; prints what is left out."""
    try:
        state, source, dropped = convert(given, source, model=model)
    except UnknownKeysError as error:
        fits = fitting_configs(error.rest)
        raise UserError(f'{error} Without them it fits {fits}: remove them.') from error
    check_numbers(state)
    h, w = state['backbone.pos_embed'].shape[1:3]
    print(f'{path}: {LAYOUTS[source].title}, {len(given)} tensors, positions {h}x{w}.')
    for reason, keys in dropped.items():
        print(f'Left out: {shortened(keys)} ({reason}).')
    return state, source


def _fit(state: State, cfg: Config | None, model: nn.Module | None) -> State:
    """Checks the weights against the config; without a config prints the configs they fit."""
    if cfg is None:
        print(f'By its shapes it fits {fitting_configs(state)}.')
        return state
    if not has_head(state):
        state = _complete(state, cfg, model)
    try:
        check_fit(state, counterpart(model, state), 'It')
    except UserError as error:
        raise UserError(
            f'{str(error).rstrip(".")} (by its shapes it fits {fitting_configs(state)}).'
        ) from error
    return state


def _complete(state: State, cfg: Config, model: nn.Module) -> State:
    """Adds the parts of the backbone that a plain encoder does not have, with initial values."""
    own = model.state_dict()
    missing = {
        part: [key for key in own if part in key and not any(part in given for given in state)]
        for part in ('.rel_pos.', 'experts.')
    }
    if tables := missing['.rel_pos.']:
        print('Relative positions start at zero, so they have no effect yet.')
        state = state | {key: torch.zeros(own[key].shape) for key in tables}
    if missing['experts.']:
        print('Every dataset starts from the same plain FFN.')
        state = expand(state, cfg)
    return state


def _write(path: str, target: str, state: State, model: nn.Module | None) -> None:
    if target != 'vitpose_plus' and model is not None:
        kinds = {type(layer.attention).__name__ for layer in model.backbone.layers}
        if others := sorted(kinds - {FullAttention.__name__}):
            raise UserError(
                f'The model has {", ".join(others)}, which {LAYOUTS[target].title} cannot express: '
                'its weights would run as full attention there, so keep our layout.'
            )
        # Other tools do not resize position tables.
        grid_hw = model.backbone.pos_embed.shape[1:3]
        state['backbone.pos_embed'] = resize_table(state['backbone.pos_embed'], grid_hw)
    state = LAYOUTS[target].write(state)
    if target == 'hf':
        hugging_face.write(path, state, model)
    else:
        writing.write(path, state)


def check_numbers(state: State) -> None:
    """Raises a ``UserError`` if weights are integers: no model has such weights."""
    counts = (KEY, 'num_batches_tracked')
    integers = [k for k, v in state.items() if not v.is_floating_point() and not k.endswith(counts)]
    if integers:
        raise UserError(
            f'It has {shortened(integers)} in {reading.dtype_of(state[integers[0]])}, but models '
            'need floating point: give the file from before this conversion.'
        )
