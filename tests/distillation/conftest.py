"""A tiny teacher and student of configs/distill/ on synthetic figures, with random weights."""

from pathlib import Path

import pytest
import torch
from mmpose.registry import DATASETS, MODELS

from tests.helpers.students import CHECKPOINT, PLAIN, STUDENT, TEACHER, TOKEN, shipped, stirred
from vitpose_plus.distillation.token_file import SavedToken, fingerprint, write_token


@pytest.fixture
def place(workplace, figures):
    """A working folder in which the configs of configs/distill/ find the figures."""
    root = workplace / Path(shipped(PLAIN).train_dataloader.dataset.data_root).parent
    root.parent.mkdir(exist_ok=True)
    root.symlink_to(figures)
    return workplace


@pytest.fixture
def teacher(place):
    """The teacher's model; its checkpoint and its token are where the student expects them."""
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
