"""What all engines have in common.

Shapes: B crops, K keypoints, h w heatmaps.
"""

from abc import ABC, abstractmethod
from pathlib import Path

import torch
from torch import Tensor

from vitpose_plus.errors import UserError
from vitpose_plus.inference.engines.description import Description


class Engine(ABC):
    """An open file, which is ready to run.

    Args:
        path: The file.
        device: The device on which it runs.

    Attributes:
        ending: The ending of the names of its files.
        name: The name of the library.
        runs_on_gpu: Whether ``auto`` may choose a GPU.
        description: What the file states about itself.
        provider: What computes, as the library names it after the file was opened.

    Raises:
        UserError: The file is damaged, has no description, or cannot run on the device.
    """

    ending: str
    name: str
    runs_on_gpu = True
    provider: str

    def __init__(self, path: Path, device: torch.device) -> None:
        self.path, self.device = path, device
        self.description = self.describe(path)

    @classmethod
    @abstractmethod
    def text(cls, path: Path) -> str | None:
        """The text of the description in a file; None if the file has none.

        Raises:
            UserError: The file is damaged.
        """

    @classmethod
    def companions(cls, path: Path) -> list[str]:
        """The names of the files beside ``path`` that have its weights."""
        return []

    @classmethod
    def describe(cls, path: Path) -> Description:
        """Reads the description of a file; nothing of the file is run.

        Raises:
            UserError: The file is damaged, or has no description.
        """
        text = cls.text(path)
        if text is None:
            raise UserError(
                f'{path} has no description of its keypoints, so vitpose export did not write it: '
                'export the model with vitpose export.'
            )
        try:
            return Description.from_json(text)
        except UserError as error:
            raise UserError(f'{path}: {error}') from error

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


def damaged(path: Path, problem: object) -> UserError:
    """The error for a file that a library cannot read."""
    return UserError(
        f'{path} cannot be read ({problem}): export the model again with vitpose export.'
    )


def require_beside(path: Path, name: str) -> None:
    """Raises a ``UserError`` if the file with the weights is missing beside ``path``."""
    if Path(name).name != name:
        raise damaged(path, f'it names weights in another folder, {name!r}')
    if not (path.parent / name).is_file():
        raise UserError(
            f'{path} needs the file {name} beside it, which has its weights: copy both files into '
            'one folder.'
        )
