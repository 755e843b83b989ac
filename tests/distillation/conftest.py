"""A tiny teacher and student of configs/distill/ on drawn figures; the teacher knows nothing."""

from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmpose.registry import DATASETS, MODELS

from vitpose_plus.distillation.token_file import SavedToken, fingerprint, write_token
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
    """Every weight far from zero, so that every output differs."""
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1 and name.startswith('head.'):
            torch.nn.init.normal_(parameter, std=0.2)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean)
    return model


@pytest.fixture
def place(workplace, figures):
    """A working folder in which the configs of configs/distill/ find the figures."""
    root = workplace / Path(shipped(PLAIN).train_dataloader.dataset.data_root).parent
    root.parent.mkdir(exist_ok=True)
    root.symlink_to(figures)
    return workplace


@pytest.fixture
def teacher(place):
    """The teacher's model; its checkpoint and a token of it lie where the student looks."""
    teacher = stirred(MODELS.build(shipped(TEACHER).model)).eval()
    (place / CHECKPOINT).parent.mkdir()
    torch.save(dict(state_dict=teacher.state_dict()), CHECKPOINT)
    write_token(TOKEN, SavedToken(torch.randn(1, 1, 128), 'it', fingerprint(teacher.state_dict())))
    return teacher


@pytest.fixture
def cfg(teacher):
    """The student's config."""
    return shipped(STUDENT)


@pytest.fixture
def samples(place):
    """Three prepared people."""
    dataset = DATASETS.build(shipped(PLAIN).train_dataloader.dataset)
    return [dataset[i] for i in range(3)]


def prepare(model, samples):
    return model.data_preprocessor(pseudo_collate(samples), training=True)
