"""Compares an exported file with the network in torch.

Shapes: N crops, K the largest number of keypoints of all datasets, h w heatmaps.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vitpose_plus.errors import RunError
from vitpose_plus.export.crops import Crops
from vitpose_plus.export.peaks import clear_peaks, decode
from vitpose_plus.export.predicting import predicted
from vitpose_plus.inference.engines.description import HEATMAPS, KEYPOINTS, TAGS, Description

Call = Callable[..., tuple[Tensor, ...]]

BATCH_SIZES = (1, 2, 7)
BATCHES = 4  # of every size
# The bounds for fp32, in pixels of the crop, and in parts of the largest value.
MEAN_PX, WORST_PX, LARGEST_PART = 0.1, 0.5, 1e-3
LEAST_PX = 0.001  # distances below are not printed
VALUES = {  # the outputs of the file -> the text about their values
    KEYPOINTS: 'scores differ by at most {} of the largest score',
    HEATMAPS: 'heatmaps differ by at most {} of the largest value',
    TAGS: 'heatmaps and tags differ by at most {} of the largest value',
}


@dataclass(frozen=True)
class Reference:
    """The outputs of the network for all crops, computed by torch in float32.

    Attributes:
        outputs: The outputs of the file, as they should be.
        points: The decoded keypoints (N, K, 2) in pixels of the crop.
        is_clear: Whether the peak of a heatmap is clear (N, K).
    """

    outputs: tuple[Tensor, ...]
    points: Tensor
    is_clear: Tensor


@dataclass(frozen=True)
class Differences:
    """The differences between a file and torch, for one batch size.

    Attributes:
        batch_size: The number of crops in a batch.
        distances: The distances of the clear keypoints (M,), in pixels of the crop.
        largest: The largest difference of scores or maps, in parts of their largest value.
        outputs: The outputs of the file (``Description``).
    """

    batch_size: int
    distances: Tensor
    largest: float
    outputs: str = KEYPOINTS

    def check(self, precision: str) -> None:
        """Raises a ``RunError`` if a number is not finite, or too large for fp32."""
        if not (math.isfinite(self.largest) and self.distances.isfinite().all()):
            raise RunError(
                f'The file computes values that are not finite, with batches of {self.batch_size}: '
                'it is not kept; use another precision.'
            )
        if precision == 'fp32':
            self._check_bounds()

    def _check_bounds(self) -> None:
        mean, worst = (
            (self.distances.mean().item(), self.distances.max().item())
            if len(self.distances)
            else (0.0, 0.0)
        )
        if mean > MEAN_PX or worst > WORST_PX or self.largest > LARGEST_PART:
            raise RunError(
                f'With batches of {self.batch_size}, the file differs from torch: {self}. It is '
                f'not kept: allowed are mean {MEAN_PX} px, worst {WORST_PX} px, and '
                f'{LARGEST_PART:.1%} of the largest value.'
            )

    def __str__(self) -> str:
        values = VALUES[self.outputs].format(f'{self.largest:.2g}')
        if not len(self.distances):
            return values
        near = (self.distances <= 1).float().mean().item()
        mean, median, worst = (
            pixels(each)
            for each in (self.distances.mean(), self.distances.median(), self.distances.max())
        )
        return (
            f'keypoints of {len(self.distances)} clear peaks differ by mean {mean}, median '
            f'{median}, worst {worst}, {near:.1%} within 1 px; {values}'
        )


def pixels(distance: Tensor) -> str:
    """A distance in pixels of the crop, as text."""
    return 'less than 0.001 px' if distance < LEAST_PX else f'{distance:.2g} px'


@torch.inference_mode()
def reference(network: nn.Module, description: Description, crops: Crops) -> Reference:
    """Computes what a file with this description should compute for all crops.

    The network computes it as in ``predict``, without the modules that are exported.
    """
    return REFERENCES[description.outputs](network, description, crops)


def _keypoints(network: nn.Module, description: Description, crops: Crops) -> Reference:
    maps, points, scores = predicted(network, description, crops)
    is_clear = clear_peaks(maps, points, crops.numbers, description)
    return Reference((points, scores), points, is_clear)


def _heatmaps(network: nn.Module, description: Description, crops: Crops) -> Reference:
    maps, *_ = predicted(network, description, crops)
    points = decode(maps, crops.numbers, description)
    return Reference((maps,), points, clear_peaks(maps, points, crops.numbers, description))


def _tags(network: nn.Module, description: Description, crops: Crops) -> Reference:
    given = network.data_preprocessor(dict(inputs=list(crops.pixels)))['inputs']
    parts = [network.head(network.extract_feat(part)) for part in given.split(max(BATCH_SIZES))]
    outputs = tuple(torch.cat(each) for each in zip(*parts, strict=True))
    nothing = outputs[0].new_zeros(*outputs[0].shape[:2], 2)
    return Reference(outputs, nothing, nothing[..., 0].bool())


REFERENCES = {KEYPOINTS: _keypoints, HEATMAPS: _heatmaps, TAGS: _tags}


def compare(
    call: Call, expected: Reference, description: Description, crops: Crops
) -> Iterator[Differences]:
    """Yields the differences between a file and torch for every batch size.

    Args:
        call: Runs the file on inputs.
        expected: The outputs in torch.
        description: The description of the file.
        crops: The crops of ``expected``.
    """
    for size in BATCH_SIZES:
        distances, parts = [], []
        for rows in batches(size, crops.numbers):
            given = call(*crops.inputs(description, rows))
            wanted = [each[rows] for each in expected.outputs]
            parts += [_part(a, b) for a, b in _compared(given, wanted, description)]
            points = _points(given, crops.numbers[rows], description)
            distances.append(_distances(points, expected, rows))
        largest = torch.stack(parts).max().item()
        yield Differences(size, torch.cat(distances), largest, description.outputs)


def batches(size: int, numbers: Tensor) -> Iterator[Tensor]:
    """Yields the rows of some batches: neighbours, and crops of one dataset.

    Neighbours have different datasets. Crops may appear more than once.
    """
    for start in range(BATCHES - 1):
        yield torch.arange(start * size, (start + 1) * size) % len(numbers)
    last = (numbers == numbers.max()).nonzero()[:, 0]
    yield last[torch.arange(size) % len(last)]


def _compared(
    given: tuple[Tensor, ...], wanted: list[Tensor], description: Description
) -> Iterator[tuple[Tensor, Tensor]]:
    """The pairs of outputs that are compared by value: not the keypoints."""
    pairs = list(zip(given, wanted, strict=True))
    return iter(pairs[1:] if description.outputs == KEYPOINTS else pairs)


def _part(given: Tensor, wanted: Tensor) -> Tensor:
    """The largest difference (), in parts of the largest value; NaN if a value is NaN."""
    scale = wanted.abs().max()
    return (given - wanted).abs().max() / (scale if scale > 0 else 1.0)


def _points(given: tuple[Tensor, ...], numbers: Tensor, description: Description) -> Tensor:
    if description.outputs == HEATMAPS:
        return decode(given[0], numbers, description)
    return given[0]


def _distances(points: Tensor, expected: Reference, rows: Tensor) -> Tensor:
    """The distances of clear keypoints; none for a bottom-up model."""
    is_clear = expected.is_clear[rows]
    if not is_clear.any():
        return torch.zeros(0)
    return (points - expected.points[rows]).norm(dim=-1)[is_clear]
