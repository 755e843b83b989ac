"""Writes the numbers of a training, and sheets of its predictions, for TensorBoard."""

import cv2
import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.visualization import TensorboardVisBackend

from vitpose_plus.checkpoints.guard import unwrapped
from vitpose_plus.errors import needing
from vitpose_plus.visualization import ContactSheet

BACKEND = TensorboardVisBackend.__name__
LOCAL = dict(type='Visualizer', vis_backends=[dict(type='LocalVisBackend')])  # mmengine's default


def add_tensorboard(cfg: Config) -> None:
    """Adds mmengine's backend for TensorBoard, which gets all numbers of the log, to a config.

    Raises:
        UserError: The package is missing.
    """
    with needing('tensorboard', 'tensorboard', '--tensorboard'):
        from torch.utils import tensorboard  # noqa: F401
    visualizer = cfg.get('visualizer') or LOCAL
    given = visualizer.get('vis_backends') or []
    if all(backend['type'] != BACKEND for backend in given):
        cfg.visualizer = dict(visualizer, vis_backends=[*given, dict(type=BACKEND)])


class PredictionSheetHook(Hook):
    """Draws a sheet of predictions after every validation, always for the same pictures."""

    priority = 'ABOVE_NORMAL'  # before EMAHook sets back the weights that were validated
    sheet: ContactSheet | None = None

    def before_train(self, runner: Runner) -> None:
        if 'strategy' in runner.cfg:
            runner.logger.warning(
                'TensorBoard gets no sheets of predictions: they need the complete model on one '
                'device.'
            )
        elif runner.val_loop is not None and is_main_process():
            self.sheet = ContactSheet(runner.val_dataloader.dataset)

    @torch.no_grad()
    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if self.sheet is not None:
            drawn = cv2.cvtColor(self.sheet.draw(unwrapped(runner.model)), cv2.COLOR_BGR2RGB)
            runner.visualizer.get_backend(BACKEND).add_image('predictions', drawn, runner.iter)
