"""Translate a checkpoint of any ViTPose: the authors', mmpose's, Hugging Face's, MAE's, ours."""

import argparse

from mmengine.config import Config
from mmengine.registry import init_default_scope
from torch import nn

from vitpose_plus.checkpoints import files, hugging_face_files
from vitpose_plus.checkpoints.converting import convert, keep_head, recognise
from vitpose_plus.checkpoints.guard import check_fit
from vitpose_plus.checkpoints.layouts import LAYOUTS
from vitpose_plus.checkpoints.layouts.layout import State, shortened
from vitpose_plus.checkpoints.splitting import expand
from vitpose_plus.errors import UserError
from vitpose_plus.shipped import build_on_meta, counterpart, find_config, fitting_configs

TARGETS = [name for name in LAYOUTS if name != 'mae']


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('input', metavar='IN', help='a file, or a folder of Hugging Face')
    parser.add_argument('output', metavar='OUT', help="the file to write (for hf: a folder's name)")
    parser.add_argument('--source', choices=LAYOUTS, help='the layout of IN [told by its keys]')
    parser.add_argument(
        '--target', choices=TARGETS, default='vitpose_plus', help='the layout of OUT [ours]'
    )
    parser.add_argument('--config', help='the config that OUT must fit, or (for --target) IN fits')
    parser.add_argument('--dataset', help='keep only the head of this dataset')
    parser.add_argument('--force', action='store_true', help='replace OUT if it exists')


def run(args: argparse.Namespace) -> None:
    files.refuse_existing(args.output, args.force)
    init_default_scope('mmpose')
    cfg = Config.fromfile(find_config(args.config)) if args.config else None
    if args.target == 'hf' and cfg is None:
        raise UserError("--target hf wants the model's --config, which its config.json is made of.")
    model = cfg and build_on_meta(cfg.model)
    given = files.read(args.input)
    source = args.source or recognise(given)
    state, _, dropped = convert(given, source, model=model)
    print(f'{args.input}: {LAYOUTS[source].title}, {len(given)} tensors.')
    for reason, keys in dropped.items():
        print(f'Not taken over: {shortened(keys)} ({reason}).')
    # The config is that of our side: of what is written if it is ours, else of what is read.
    ours = args.target == 'vitpose_plus'
    if args.dataset and ours:
        state = keep_head(state, args.dataset)
    state = fit(state, cfg, model)
    if args.dataset and not ours:
        state = keep_head(state, args.dataset)
    write(args, convert(state, 'vitpose_plus', args.target).state_dict, model)
    print(f'Written: {args.output}, {LAYOUTS[args.target].title}.')
    if source == 'hf':
        eps = hugging_face_files.norm_eps(args.input)
        print(
            f'Hugging Face runs it with a LayerNorm eps of {eps:g}: for the same numbers to the '
            f'last digit, --cfg-options model.backbone.norm_eps={eps:g}.'
        )


def fit(state: State, cfg: Config | None, model: nn.Module | None) -> State:
    """The state dict, after making sure that it is the config's; or says whose it is."""
    if cfg is None:
        names = fitting_configs(state)
        print(f'It fits {" and ".join(names) or "no config that is shipped"}.')
        return state
    headless = not any(key.startswith('head.') for key in state)
    has_experts = [any('.experts.' in key for key in keys) for keys in (state, model.state_dict())]
    if headless and has_experts == [False, True]:
        print('Every expert starts as the same rows of the plain FFN.')
        state = expand(state, cfg)
    try:
        check_fit(state, counterpart(model, state), 'The converted checkpoint')
    except UserError as error:
        names = ' and '.join(fitting_configs(state)) or 'no config that is shipped'
        raise UserError(f'{str(error).rstrip(".")} (it fits {names}).') from error
    return state


def write(args: argparse.Namespace, state: State, model: nn.Module | None) -> None:
    if args.target == 'hf':
        hugging_face_files.write(args.output, state, model)
    else:
        files.write(args.output, state)
