"""The option ``--expert-of`` of ``new-dataset``: checks the ViTPose+ that gets a new expert."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from vitpose_plus.errors import UserError

if TYPE_CHECKING:
    from vitpose_plus.experiments.new_dataset.options import Options
    from vitpose_plus.experiments.new_dataset.plans import NewExpert
    from vitpose_plus.experiments.new_dataset.trained_parts import TrainedParts

EXPERT = 'expert'  # the default of --train


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--expert-of',
        nargs=2,
        metavar=('CONFIG', 'CHECKPOINT'),
        help='train a new expert and a new head for a trained ViTPose+, whose other weights stay '
        'as they are; `join` adds them to it',
    )
    parser.add_argument(
        '--like',
        metavar='DATASET',
        help='with --expert-of: the dataset whose expert and head the training starts from '
        '[the mean of all experts, and a random head]',
    )
    parser.add_argument(
        '--train',
        metavar='PARTS',
        help='with --expert-of: what is trained besides the head: expert, expert+norms, or last-N '
        'for the last N layers; only what is trained by `expert` can be joined [expert]',
    )


def new_expert(options: 'Options', out: Path) -> 'NewExpert':
    """What ``--expert-of`` trains, with all options checked.

    Raises:
        UserError: Options contradict each other, a name is unknown, the config has no experts, or
            the checkpoint does not fit it.
    """
    from vitpose_plus.checkpoints.expert_starts import check_expert
    from vitpose_plus.checkpoints.experts import count_experts
    from vitpose_plus.checkpoints.guard import check_fit
    from vitpose_plus.checkpoints.layouts.heads import dataset_heads
    from vitpose_plus.checkpoints.starts import locate, read_weights
    from vitpose_plus.experiments.new_dataset.places import in_config
    from vitpose_plus.experiments.new_dataset.plans import NewExpert
    from vitpose_plus.experiments.new_dataset.trained_parts import trained_parts
    from vitpose_plus.experiments.own_expert import read_vitpose_plus
    from vitpose_plus.models.building import build_on_meta

    for option, given in (('--pretrained', options.pretrained), ('--expert', options.expert)):
        if given is not None:
            raise UserError(f'--expert-of starts from its CHECKPOINT: leave {option} out.')
    config, checkpoint = options.expert_of
    word = EXPERT if options.train is None else options.train
    parts = trained_parts(word)
    cfg = read_vitpose_plus(config)
    path = locate(checkpoint)
    weights = read_weights(path)
    if not count_experts(weights.state_dict):
        raise UserError(f'{path} has no experts: give the checkpoint of a ViTPose+.')
    model = build_on_meta(dict(cfg.model, data_preprocessor=None))
    check_fit(weights.state_dict, model, path, f'give the checkpoint of {config}')
    if options.name in weights.experts:
        raise UserError(f'{path} has the dataset {options.name} already: give another NAME.')
    if options.like is not None:
        check_expert(options.like, weights.experts, path)
    of, file = in_config(config, out), in_config(checkpoint, out)
    numbers = _numbers(cfg.model.backbone.to_dict(), parts)
    has_head = options.like in dataset_heads(weights.state_dict)
    return NewExpert(of, file, word, parts, numbers, options.like, has_head)


def _numbers(backbone: dict, parts: 'TrainedParts') -> tuple[int, int]:
    """The number of trained parameters of a backbone with one expert, and of all of them."""
    from vitpose_plus.models.building import build_on_meta

    built = build_on_meta(dict(backbone, ffn=dict(backbone['ffn'], num_experts=1)))
    parts.frozen(built)  # refuses parts that cannot be told apart
    sizes = {name: value.numel() for name, value in built.named_parameters()}
    return sum(sizes[name] for name in parts.trained(built)), sum(sizes.values())


def check_unused(options: 'Options') -> None:
    """Raises a ``UserError`` if there are options that need ``--expert-of``."""
    for option, given in (('--like', options.like), ('--train', options.train)):
        if given is not None:
            raise UserError(f'{option} is for a new expert: give --expert-of, too.')
