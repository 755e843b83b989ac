"""Batches for detectors. All pictures of a batch have one size, so none of them is padded."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from vitpose_plus.errors import UserError, reason
from vitpose_plus.inference.boxes.source import BoxSource

Prepared = TypeVar('Prepared')
BLANK_HW = 64, 64
MAX_PICTURES = 8  # per batch; larger batches are not faster and need more memory


def batches(
    prepared: Sequence[Prepared], pixels: Callable[[Prepared], Tensor]
) -> Iterator[list[int]]:
    """Yields the rows of each batch: pictures of the same shape.

    A batch with several shapes would be padded to the largest, which changes the detections.

    Args:
        prepared: The output of a pipeline for each picture.
        pixels: Returns the picture's tensor in this output.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, one in enumerate(prepared):
        groups.setdefault(tuple(pixels(one).shape), []).append(row)
    for rows in groups.values():
        for start in range(0, len(rows), MAX_PICTURES):
            yield rows[start : start + MAX_PICTURES]


def try_once(detector: BoxSource, title: str | Path) -> None:
    """Runs a detector on a blank picture, before all pictures.

    The user's detector may need operators that are missing, or may not fit its pipeline.

    Raises:
        UserError: The detector cannot run. The message is one sentence with the title.
    """
    try:
        detector.boxes([], [np.zeros((*BLANK_HW, 3), np.uint8)])
    except (UserError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # a user's config can cause any error
        raise UserError(
            f'The detector of {title} cannot run ({reason(error)}): correct its config.'
        ) from error
