"""The demo's config, and settings for a quick training in tests."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
TINY = 'vitpose-plus-tiny_figures-256x192'
# `--cfg-options` for two iterations on the synthetic figures of the fixture.
TWO_ITERATIONS = [
    'randomness.seed=0',
    'randomness.deterministic=True',
    'train_cfg.max_epochs=1',
    'train_dataloader.batch_size=8',
    'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False',
    *(f'train_dataloader.dataset.datasets.{i}.indices=2' for i in range(6)),
]
