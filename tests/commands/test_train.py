"""What the command line of training changes in a config."""

import argparse

import torch
from mmpose.registry import MODELS

from vitpose_plus.checkpoints import writing
from vitpose_plus.commands import train
from vitpose_plus.engine import preflight


def options(*words):
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    return parser.parse_args(['CONFIG', *words])


def test_pretrained_starts_the_backbone_and_nothing_else(tiny_config):
    start = MODELS.build(tiny_config.model).state_dict()
    writing.write('start.pth', {k: v for k, v in start.items() if k.startswith('backbone.')})
    cfg = train.configure(tiny_config, options('--pretrained', 'start.pth'))
    preflight.check_checkpoints(cfg)
    model = MODELS.build(cfg.model)
    model.init_weights()
    for name, value in model.state_dict().items():
        if name.startswith('backbone.'):
            assert torch.equal(value, start[name]), name
        elif 'weight' in name and value.ndim > 1:
            assert not torch.equal(value, start[name]), name
