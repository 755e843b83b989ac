"""Draw reconstructions of a masked autoencoder: input, visible patches, predicted patches."""

import argparse

from vitpose_plus import files
from vitpose_plus.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'config', help='a config file, or the name of an included config of configs/mae/'
    )
    parser.add_argument('checkpoint', help='the weights of the pre-training')
    parser.add_argument('--out', required=True, metavar='PNG', help='the picture to write')
    parser.add_argument(
        '--images', nargs='+', metavar='FILE', help='pictures to reconstruct [training pictures]'
    )
    parser.add_argument('--number', type=int, default=8, help='how many training pictures [8]')
    parser.add_argument(
        '--seed', type=int, default=0, help='random seed of the masks and crops [0]'
    )


def run(args: argparse.Namespace) -> None:
    import numpy as np
    import torch
    from mmengine.device import get_device
    from mmpose.registry import MODELS

    from vitpose_plus.checkpoints import reading
    from vitpose_plus.engine import preflight
    from vitpose_plus.experiments.catalogue import read_config
    from vitpose_plus.models import MaskedAutoencoder
    from vitpose_plus.visualization import reconstruction_sheet
    from vitpose_plus.visualization.reconstructions import picture_samples, training_samples

    files.check_output(args.out, ('.png',))
    if not 0 <= args.seed < 2**32:
        raise UserError(f'--seed {args.seed} is out of range: give 0 to {2**32 - 1}.')
    if args.number < 1:
        raise UserError(f'--number {args.number} is less than 1: give 1 or more.')
    cfg = read_config(args.config)
    cfg.load_from = args.checkpoint
    preflight.check(cfg, () if args.images else ('train',))
    model = MODELS.build(cfg.model)
    if not isinstance(model, MaskedAutoencoder):
        raise UserError(
            f'{cfg.filename} is not the config of a masked autoencoder: give a config of '
            'configs/mae/ (for pose models use test --sheet).'
        )
    model.load_state_dict(reading.read(cfg.load_from))
    model.to(get_device()).eval()
    torch.manual_seed(args.seed)
    np.random.seed(args.seed)
    if args.images:
        samples = picture_samples(args.images, model)
    else:
        samples = training_samples(cfg, args.number)
    with files.replacing(args.out) as new:
        reconstruction_sheet(model, samples, new)
    print(f'Written: {args.out}, reconstructions of {len(samples)} pictures.')
