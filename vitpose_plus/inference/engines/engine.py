"""What all engines have in common.

Shapes: B crops, K keypoints, h w heatmaps.
"""

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor

from vitpose_plus.inference.engines.description import Description


class Engine(ABC):
    """An open file, which is ready to run.

    Args:
        path: The file.
        device: The device on which it runs.

    Attributes:
        ending: The ending of the names of its files.
        description: What the file states about itself.
        provider: What computes, as the library names it after the file was opened.

    Raises:
        UserError: The file is damaged, has no description, or cannot run on the device.
    """

    ending: str
    description: Description
    provider: str

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path, self.device = path, device

    @abstractmethod
    def __call__(self, crops: Tensor, dataset_index: Tensor | None = None) -> tuple[Tensor, ...]:
        """Runs the file.

        Args:
            crops: (B, 3, height, width) as ``description`` states: uint8 pixels for keypoints,
                float32 for heatmaps.
            dataset_index: The number of each crop's dataset (B,), int64, if the model has experts.

        Returns:
            The outputs in float32, on the CPU: keypoints (B, K, 2) and scores (B, K), or heatmaps
            (B, K, h, w).
        """
