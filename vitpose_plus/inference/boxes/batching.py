"""How detectors are run: in batches of one size, so that no picture depends on the others."""

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
LARGEST = 8  # pictures; more at once are no faster and take memory


def batches(
    prepared: Sequence[Prepared], pixels: Callable[[Prepared], Tensor]
) -> Iterator[list[int]]:
    """Rows of what goes through the network at once: pictures of the same shape.

    A batch of several shapes would be padded to the largest, which changes what is found.

    Args:
        prepared: What a pipeline has made of each picture.
        pixels: Gets the picture's tensor.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for row, one in enumerate(prepared):
        groups.setdefault(tuple(pixels(one).shape), []).append(row)
    for rows in groups.values():
        for start in range(0, len(rows), LARGEST):
            yield rows[start : start + LARGEST]


def try_once(detector: BoxSource, title: str | Path) -> None:
    """Before all pictures: one's own detector may lack operators, or not fit its own pipeline.

    Raises:
        UserError: It cannot run, in one sentence with the title.
    """
    try:
        detector.boxes([], [np.zeros((*BLANK_HW, 3), np.uint8)])
    except (UserError, torch.OutOfMemoryError):
        raise
    except Exception as error:  # whatever a stranger's config makes the detector raise
        raise UserError(
            f'The detector of {title} cannot run ({reason(error)}): correct its config.'
        ) from error
