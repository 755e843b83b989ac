"""Translate a checkpoint of any ViTPose: the authors', mmpose's, Hugging Face's, MAE's, ours."""

import argparse

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from vitpose_plus import files
from vitpose_plus.checkpoints import hugging_face, reading, writing
from vitpose_plus.checkpoints.converting import convert, keep_dataset
from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.layouts import LAYOUTS
from vitpose_plus.checkpoints.layouts.heads import has_head
from vitpose_plus.checkpoints.layouts.layout import State, UnknownKeysError, shortened
from vitpose_plus.checkpoints.layouts.mae import MaeLayout
from vitpose_plus.checkpoints.matching import counterpart, fitting_configs
from vitpose_plus.checkpoints.splitting import expand
from vitpose_plus.errors import UserError
from vitpose_plus.experiments.catalogue import read_config
from vitpose_plus.models.attention import FullAttention
from vitpose_plus.models.building import build_on_meta
from vitpose_plus.models.positions import resize_table

TARGETS = [name for name, layout in LAYOUTS.items() if not isinstance(layout, MaeLayout)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('input', metavar='IN', help='a file, or a folder of Hugging Face')
    parser.add_argument('output', metavar='OUT', help="the file to write (for hf: a folder's name)")
    parser.add_argument('--source', choices=LAYOUTS, help='the layout of IN [told by its keys]')
    parser.add_argument(
        '--target', choices=TARGETS, default='vitpose_plus', help='the layout of OUT [ours]'
    )
    parser.add_argument('--config', help='the config of the model that is written')
    parser.add_argument('--dataset', help="take one dataset's plain model: its expert and head")
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')


def run(args: argparse.Namespace) -> None:
    guard = hugging_face if args.target == 'hf' else files
    guard.refuse_existing(args.output, args.force)
    if args.target == 'hf' and not args.config:
        raise UserError("--target hf wants the model's --config, which its config.json is made of.")
    init_default_scope('mmpose')
    cfg = read_config(args.config) if args.config else None
    model = cfg and build_on_meta(cfg.model)
    given = reading.read(args.input)
    with files.about(args.input):
        state, source = translate(args, given, model)
        if args.dataset:
            state = keep_dataset(state, args.dataset)
        state = fit(state, cfg, model)
        eps = hugging_face.norm_eps(args.input) if source == 'hf' else None
        write(args, state, model)
    print(f'Written: {args.output}, {LAYOUTS[args.target].title}.')
    if eps is not None:
        print(
            f'Hugging Face runs it with a LayerNorm eps of {eps:g}: for the same numbers to the '
            f'last digit, --cfg-options model.backbone.norm_eps={eps:g}.'
        )


def translate(args: argparse.Namespace, given: State, model: nn.Module | None) -> tuple[State, str]:
    """The weights in our layout, and the one they came in; says what is left out."""
    try:
        state, source, dropped = convert(given, args.source, model=model)
    except UnknownKeysError as error:
        fits = fitting_configs(error.rest)
        raise UserError(f'{error} Without that it fits {fits}: take it out.') from error
    h, w = state['backbone.pos_embed'].shape[1:3]
    print(f'{args.input}: {LAYOUTS[source].title}, {len(given)} tensors, positions {h}x{w}.')
    for reason, keys in dropped.items():
        print(f'Not taken over: {shortened(keys)} ({reason}).')
    return state, source


def fit(state: State, cfg: Config | None, model: nn.Module | None) -> State:
    """The state dict, after making sure that it is the config's; or says whose it is."""
    if cfg is None:
        print(f'By its shapes it fits {fitting_configs(state)}.')
        return state
    if not has_head(state):
        state = start(state, cfg, model)
    try:
        check_fit(state, counterpart(model, state), 'It')
    except UserError as error:
        raise UserError(
            f'{str(error).rstrip(".")} (by its shapes it fits {fitting_configs(state)}).'
        ) from error
    return state


def start(state: State, cfg: Config, model: nn.Module) -> State:
    """An encoder with whatever the model has beyond it, as it is when a training starts."""
    own = model.state_dict()
    lacking = {
        part: [key for key in own if part in key and not any(part in given for given in state)]
        for part in ('.rel_pos.', 'experts.')
    }
    if tables := lacking['.rel_pos.']:
        print('Relative positions start at zero, which adds nothing yet.')
        state = state | {key: torch.zeros(own[key].shape) for key in tables}
    if lacking['experts.']:
        print('Every dataset starts from the same plain FFN.')
        state = expand(state, cfg)
    return state


def write(args: argparse.Namespace, state: State, model: nn.Module | None) -> None:
    if args.target != 'vitpose_plus' and model is not None:
        kinds = {type(layer.attention).__name__ for layer in model.backbone.layers}
        if odd := sorted(kinds - {FullAttention.__name__}):
            raise UserError(
                f'The model has {", ".join(odd)}, which {LAYOUTS[args.target].title} does not say: '
                'its weights would run as full attention there, so stay with ours.'
            )
        # Elsewhere tables are not resized.
        grid_hw = model.backbone.pos_embed.shape[1:3]
        state['backbone.pos_embed'] = resize_table(state['backbone.pos_embed'], grid_hw)
    state = LAYOUTS[args.target].write(state)
    if args.target == 'hf':
        hugging_face.write(args.output, state, model)
    else:
        writing.write(args.output, state)
