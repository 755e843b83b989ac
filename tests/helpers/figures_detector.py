"""The figures detector: a small RTMDet, trained on synthetic figures, for tests that need boxes.

It is made by the commands in projects/figures_detector/README.md and then

    python -m tests.helpers.figures_detector work_dirs/films_detector/epoch_5.pth
"""

import sys
from pathlib import Path

import torch
from mmengine.config import Config

import vitpose_plus  # noqa: F401  makes torch.load accept the checkpoint
from tests.helpers.demo import ROOT
from vitpose_plus.files import replacing

CONFIGS = ROOT / 'projects' / 'figures_detector' / 'configs'
PROJECT_CONFIG = CONFIGS / 'rtmdet-nano_films-320x256.py'
FOLDER = ROOT / 'tests' / 'data' / 'figures_detector'  # a training folder
CONFIG = FOLDER / PROJECT_CONFIG.name
CHECKPOINT = FOLDER / 'epoch_5.pth'


def make(trained: str | Path) -> None:
    """Writes the complete config, and the weights of a training with matrices in half precision."""
    checkpoint = torch.load(trained, map_location='cpu', weights_only=True)
    weights = {
        name: tensor.half().contiguous() if tensor.ndim > 1 else tensor.clone()
        for name, tensor in checkpoint['state_dict'].items()
    }
    classes = tuple(checkpoint['meta']['dataset_meta']['classes'])
    FOLDER.mkdir(exist_ok=True)
    Config.fromfile(PROJECT_CONFIG).dump(CONFIG)
    with replacing(CHECKPOINT) as part:
        torch.save(dict(state_dict=weights, meta=dict(dataset_meta=dict(classes=classes))), part)


if __name__ == '__main__':
    make(sys.argv[1])
