"""Train the model of a config with mmengine's runner."""

import argparse
from typing import TYPE_CHECKING

from vitpose_plus.commands import runs
from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from mmengine.config import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    runs.add_arguments(parser)
    parser.add_argument(
        '--resume',
        nargs='?',
        const='auto',
        metavar='CHECKPOINT',
        help='resume from a checkpoint, by default from the newest complete one in the training '
        'folder; if there is none, start a new training',
    )
    parser.add_argument(
        '--force', action='store_true', help='first remove the checkpoints in the training folder'
    )
    parser.add_argument(
        '--pretrained',
        metavar='CHECKPOINT',
        help='initial weights of the backbone: a released name, or a checkpoint (file or URL) of a '
        'ViTPose, a ViTPose+ or MAE in any layout; none: random weights',
    )
    parser.add_argument(
        '--expert',
        metavar='DATASET',
        help='the expert of a ViTPose+ that a plain model starts from [the first]',
    )
    parser.add_argument('--amp', action='store_true', help='train in mixed precision')
    parser.add_argument('--compile', action='store_true', help='compile the backbone (top-down)')
    parser.add_argument(
        '--no-validate', action='store_true', help='do not validate during the training'
    )
    parser.add_argument(
        '--auto-scale-lr',
        action='store_true',
        help='scale the learning rate with the total batch size',
    )
    parser.add_argument(
        '--tensorboard',
        action='store_true',
        help='also write the log, and sheets of predictions, for TensorBoard',
    )


def configure(cfg: 'Config', args: argparse.Namespace) -> 'Config':
    """Applies the training options of the command line to the config."""
    if args.expert and args.pretrained in (None, 'none'):
        raise UserError(
            f'--expert {args.expert} names an expert of the initial weights: give them with '
            '--pretrained.'
        )
    if args.pretrained == 'none':
        from vitpose_plus.engine.starting import start_at_random

        start_at_random(cfg.model.backbone)
    elif args.pretrained:
        from vitpose_plus.engine.starting import start_from

        start_from(cfg.model.backbone, args.pretrained, args.expert)
    if args.amp and cfg.get('optim_wrapper'):
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    if args.compile:
        from vitpose_plus.engine.compiling import add_compiling

        add_compiling(cfg)
    if args.no_validate:
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    if args.auto_scale_lr:
        if not cfg.get('auto_scale_lr'):
            raise UserError(
                f'{cfg.filename} has no auto_scale_lr.base_batch_size: add it for --auto-scale-lr.'
            )
        cfg.auto_scale_lr.enable = True
    if args.tensorboard:
        from vitpose_plus.engine.tensorboard import add_tensorboard

        add_tensorboard(cfg)
    return cfg


def run(args: argparse.Namespace) -> None:
    from mmengine.dist import is_main_process

    from vitpose_plus.engine.hooks import shown_progress
    from vitpose_plus.engine.pictures import naming_broken_pictures
    from vitpose_plus.engine.preflight import check_work_dir
    from vitpose_plus.engine.restarting import choose_start, remove_checkpoints
    from vitpose_plus.engine.runs import build_runner
    from vitpose_plus.engine.starting import report_start
    from vitpose_plus.engine.tensorboard import PredictionSheetHook

    if args.pretrained and args.resume not in (None, 'auto'):
        raise UserError(
            '--resume CHECKPOINT loads all weights, so that --pretrained would have no effect: '
            'give only one of the two.'
        )
    cfg = configure(runs.load_config(args), args)
    splits = ('train', 'val') if cfg.get('val_dataloader') else ('train',)
    check_work_dir(cfg)
    notes = choose_start(cfg, args.resume, args.force)
    runner = build_runner(cfg, splits)
    if args.tensorboard:
        runner.register_hook(PredictionSheetHook())
    if args.force and is_main_process():
        remove_checkpoints(cfg)
    for note in notes:
        runner.logger.info(note)
    if args.pretrained != 'none':
        report_start(cfg, runner.logger)
    with naming_broken_pictures(), shown_progress(runner):
        runner.train()
