"""The features of frames in the backbone of a model.

Shapes: N boxes of a frame, C channels of the backbone.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from vitpose_plus.inference.assignment import OneDataset
from vitpose_plus.inference.batches import BatchRunner
from vitpose_plus.inference.boxes.source import Boxes
from vitpose_plus.inference.predictor import PosePredictor


class FrameFeatures:
    """Computes the features of a frame: the mean over its crops, and over their feature maps.

    Args:
        predictor: A predictor of a top-down model, without flip test.
        dataset: The dataset that is predicted.
    """

    def __init__(self, predictor: PosePredictor, dataset: str) -> None:
        self.network, self.estimator = predictor.model.network, predictor.estimator
        size, show = predictor.run.size, predictor.on_message
        self.run = BatchRunner(self.network, predictor.device, size, show)
        self.assignment = OneDataset(dataset)

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """The features (C,) of a picture.

        Args:
            image: BGR (height, width, 3), 0..255.
            boxes: x1, y1, x2, y2 (N, 4) in pixels; at least one.
        """
        labels = [None] * len(boxes)
        given = Boxes(boxes.astype(np.float32), np.ones(len(boxes), np.float32), labels)
        jobs = self.estimator.jobs(image, given, self.assignment)
        with recorded(self.network.backbone) as maps:
            self.run([job.inputs for job in jobs])
        return torch.cat(maps).float().mean((0, 2, 3)).cpu().numpy()


@contextmanager
def recorded(backbone: nn.Module) -> Iterator[list[Tensor]]:
    """Records the last feature maps (B, C, H, W) of every batch."""
    maps: list[Tensor] = []

    def record(module: nn.Module, inputs: tuple, outputs: Any) -> None:
        maps.append(outputs if isinstance(outputs, Tensor) else outputs[-1])

    hook = backbone.register_forward_hook(record)
    try:
        yield maps
    finally:
        hook.remove()
