"""What many tests share: drawn figures, a tiny config on them, ready-made samples."""

import os

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope

import vitpose_plus  # noqa: F401  the compatibility shims come first
from vitpose_plus.commands.running import find_config
from vitpose_plus.datasets.figures import write_figures

TINY = 'vitpose-plus-tiny_figures-128x96'


@pytest.fixture(autouse=True)
def _calm():
    """Every test starts from the same seed, in mmpose's scope, on one thread (tests run in two
    processes)."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    init_default_scope('mmpose')


@pytest.fixture(scope='session')
def figures(tmp_path_factory):
    """A folder with the six datasets as a few drawn figures."""
    root = tmp_path_factory.mktemp('figures')
    write_figures(root, num_train=6, num_val=3)
    return root


@pytest.fixture
def workplace(figures, tmp_path, monkeypatch):
    """An empty working folder in which the demo's config finds the figures."""
    (tmp_path / 'work_dirs' / 'demo').mkdir(parents=True)
    (tmp_path / 'work_dirs' / 'demo' / 'figures').symlink_to(figures)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tiny_config(workplace):
    """The demo's config, in single-process loaders."""
    cfg = Config.fromfile(find_config(TINY))
    for split in ('train', 'val', 'test'):
        loader = cfg[f'{split}_dataloader']
        loader.update(num_workers=0, persistent_workers=False, batch_size=16)
    return cfg


def environment(**extra: str) -> dict[str, str]:
    """The environment of a child process: one thread, no user site."""
    return {**os.environ, 'OMP_NUM_THREADS': '1', **extra}
