"""Test a checkpoint, or an exported file, with the datasets and metrics of a config."""

import argparse
import os.path as osp
from typing import TYPE_CHECKING

from vitpose_plus import files
from vitpose_plus.commands import runs, speed_options
from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from mmengine.config import Config
    from mmengine.hooks import Hook

FP32 = 'fp32'
METRICS = ('.json', '.yaml', '.yml', '.pkl', '.pickle')  # endings that mmengine.dump accepts


def add_arguments(parser: argparse.ArgumentParser) -> None:
    runs.add_arguments(parser)
    parser.add_argument(
        'checkpoint',
        nargs='?',
        help='the weights to test, or a file of vitpose export [the best checkpoint in the '
        "config's training folder; the config may also be a training folder]",
    )
    parser.add_argument('--out', metavar='JSON', help='also write the metrics to this file')
    parser.add_argument(
        '--sheet', metavar='PNG', help='draw predictions for some pictures of every dataset'
    )
    speed_options.add_arguments(parser, FP32)


def load_config(args: argparse.Namespace) -> 'Config':
    """Reads the config, and finds the weights if they are not given."""
    from vitpose_plus.engine.starting import start_at_random
    from vitpose_plus.engine.trained import TEST, best_weights, config_of, training_folder

    given = training_folder(args.config)
    args.config = config_of(args.config)
    cfg = runs.load_config(args)
    start_at_random(cfg.model.get('backbone', {}))  # the file may be gone; all weights are loaded
    cfg.load_from = args.checkpoint
    if args.checkpoint is None:
        cfg.work_dir = args.work_dir or given or cfg.work_dir
        cfg.load_from = best_weights(cfg)
    if args.checkpoint is None or training_folder(cfg.work_dir):
        cfg.work_dir = osp.join(cfg.work_dir, TEST)  # keeps the config of the training
    return cfg


def run(args: argparse.Namespace) -> None:
    import mmengine
    from mmengine.dist import is_main_process

    from vitpose_plus.engine.pictures import naming_broken_pictures
    from vitpose_plus.engine.runs import build_runner
    from vitpose_plus.inference.engines.opening import is_exported
    from vitpose_plus.inference.engines.testing import use_file
    from vitpose_plus.models.building import deployment_config
    from vitpose_plus.visualization import contact_sheet

    if args.out:
        files.check_output(args.out, METRICS)
    if args.sheet:
        files.check_output(args.sheet, files.PICTURES)
    cfg = load_config(args)
    cfg.model = deployment_config(cfg.model)
    notes = []
    if is_file := is_exported(args.checkpoint or ''):
        notes = use_file(cfg, args.checkpoint)
    if args.sheet and 'strategy' in cfg:
        raise UserError('--sheet needs the complete model on one device: use the base config.')
    hook = speed_hook(args, cfg, is_file)
    runner = build_runner(cfg, ('test',))
    for note in notes:
        runner.logger.warning(note)
    if is_file:
        runner.model.backbone.open()
    if hook:
        runner.register_hook(hook)
    with naming_broken_pictures():
        metrics = runner.test()
    if args.out and is_main_process():
        with files.replacing(args.out) as new:
            mmengine.dump(metrics, new, indent=2)
    if args.sheet and is_main_process():
        with files.replacing(args.sheet) as new:
            contact_sheet(runner.model, runner.test_dataloader.dataset, new)


def speed_hook(args: argparse.Namespace, cfg: 'Config', is_file: bool) -> 'Hook | None':
    """Returns the hook that makes the network fast; None if something else runs the model.

    Raises:
        UserError: The options do not fit what runs the model, or the device.
    """
    import torch
    from mmengine.device import get_device

    from vitpose_plus.inference.compilers import check_compiler
    from vitpose_plus.inference.precisions import precision_of
    from vitpose_plus.inference.prepared_tests import PrepareHook

    if is_file or 'strategy' in cfg:
        if args.precision != FP32 or args.compile:
            raise UserError(
                f'--precision and --compile are for models in one piece, and '
                f'{args.checkpoint if is_file else "this config"} is '
                f'{"an exported file" if is_file else "in shards (`strategy`)"}: leave them out.'
            )
        return None
    device = torch.device(get_device())
    if args.compile:
        check_compiler(device)
    return PrepareHook(precision_of(args.precision, device), args.compile)
