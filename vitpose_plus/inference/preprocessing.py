"""Normalises a batch of crops at once, with the numbers of mmpose's data preprocessor.

mmpose normalises one crop after the other, and copies every sample several times, which takes more
time than a small network on a GPU.
"""

import copy
from typing import Any

import torch
from mmengine.structures import BaseDataElement
from mmpose.models.data_preprocessors import PoseDataPreprocessor
from torch import Tensor, nn


class BatchedPreprocessor(PoseDataPreprocessor):
    """As ``PoseDataPreprocessor``, with equal numbers, but in one step for all crops of a batch.

    Batches that are not lists of ``uint8`` crops (3, H, W) of one size, and all batches of a
    training, are normalised by mmpose. Samples without tensors are not copied to the device.
    """

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        crops, samples = data.get('inputs'), data.get('data_samples')
        if training or samples is None or not _have_one_size(crops) or self.pad_size_divisor != 1:
            return super().forward(data, training)
        pixels = torch.stack(crops).to(self.device, non_blocking=self._non_blocking)
        pixels = (pixels.flip(1) if self._channel_conversion else pixels).float()
        if self._enable_normalize:
            pixels.sub_(self.mean).div_(self.std)
        samples = [self.cast_data(each) if _has_tensors(each) else each for each in samples]
        shape = tuple(pixels.shape[-2:])
        for sample in samples:
            sample.set_metainfo(dict(batch_input_shape=shape, pad_shape=shape))
        return dict(inputs=pixels, data_samples=samples)


def _have_one_size(crops: Any) -> bool:
    """Whether these are ``uint8`` tensors (3, H, W) of one size."""
    return (
        isinstance(crops, list | tuple)
        and all(isinstance(crop, Tensor) and crop.dtype == torch.uint8 for crop in crops)
        and {crop.shape[:-2] for crop in crops} == {(3,)}
        and len({crop.shape for crop in crops}) == 1
    )


def _has_tensors(element: Any) -> bool:
    if isinstance(element, BaseDataElement):
        return any(_has_tensors(value) for value in element.values())
    return isinstance(element, Tensor)


def batched(preprocessor: nn.Module) -> nn.Module:
    """Returns a preprocessor with the same numbers that normalises batches at once.

    Preprocessors of other classes than mmpose's are returned as they are.
    """
    if type(preprocessor) is not PoseDataPreprocessor:
        return preprocessor
    made = copy.deepcopy(preprocessor)
    made.__class__ = BatchedPreprocessor
    return made
