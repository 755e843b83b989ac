"""Teachers and students of configs/distill/ on synthetic figures, with random weights."""

from copy import deepcopy

import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmpose.registry import MODELS

from vitpose_plus.experiments.catalogue import find_config

TEACHER = 'vitpose-tiny-teacher_figures-128x96'
STAGE_1 = 'vitpose-tiny-token_figures-128x96'
STUDENT = 'vitpose-tiny-distill_figures-128x96'
PLAIN = 'vitpose-tiny_figures-128x96'
CHECKPOINT = Config.fromfile(find_config(STUDENT)).model.teacher.checkpoint
TOKEN = f'work_dirs/{STAGE_1}/token.pth'


def shipped(name):
    return Config.fromfile(find_config(name), format_python_code=False)


def stirred(model):
    """Sets random weights of the head, far from zero, and random means, so that outputs differ."""
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 and name.startswith('head.'):
            torch.nn.init.normal_(parameter, std=0.2)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean)
    return model


def prepare(model, samples):
    return model.data_preprocessor(pseudo_collate(samples), training=True)


def student_of(cfg, *without):
    cfg = deepcopy(cfg)
    for part in without:
        cfg.model.pop(part)
    torch.manual_seed(3)
    return stirred(MODELS.build(cfg.model)).train()


def steps(model, cfg, samples, number=3):
    """Trains a model for a few steps; returns the losses of each step and the wrapper."""
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)
    batch = dict(
        inputs=[s['inputs'] for s in samples], data_samples=[s['data_samples'] for s in samples]
    )
    return [model.train_step(deepcopy(batch), wrapper) for _ in range(number)], wrapper
