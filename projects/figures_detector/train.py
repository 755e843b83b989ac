"""Trains the config as mmdet's tools do, in the memory layout that is fastest on CPUs."""

from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.runner import Runner

import vitpose_plus  # noqa: F401  replaces mmcv's compiled operators, which mmdet needs

CONFIG = Path(__file__).parent / 'configs' / 'rtmdet-nano_figures-320x256.py'


def main() -> None:
    cfg = Config.fromfile(CONFIG)
    cfg.work_dir = 'work_dirs/figures_detector'
    runner = Runner.from_cfg(cfg)
    runner.model.to(memory_format=torch.channels_last)  # 1.7 times as fast on a CPU
    runner.train()


if __name__ == '__main__':
    main()
