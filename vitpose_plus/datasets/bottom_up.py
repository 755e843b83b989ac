"""Transforms that are missing in mmpose, for training on whole pictures."""

import functools

import numpy as np
from mmpose.datasets.transforms import BottomupGetHeatmapMask, RandomFlip
from mmpose.registry import TRANSFORMS

from vitpose_plus.datasets.regions import region_mask


@TRANSFORMS.register_module()
class WholePictureFlip(RandomFlip):
    """Flips a picture after the affine transform.

    There, mmpose confuses the width of the input with its height.
    """

    def transform(self, results: dict) -> dict:
        size = results['input_size']
        results = super().transform(results | dict(input_size=size[::-1]))
        return results | dict(input_size=size)


@TRANSFORMS.register_module()
class CrowdHeatmapMask(BottomupGetHeatmapMask):
    """The mask (1, h, w) of the heatmap pixels that count in the loss.

    Crowds and people without keypoints do not count. mmpose skips crowds, because their regions
    are run lengths instead of outlines.
    """

    def _segs_to_mask(self, segs: list, img_shape: tuple[int, int]) -> np.ndarray:
        """Segmentations of a picture of (height, width) pixels -> (height, width), 1 inside."""
        masks = (region_mask(segmentation, img_shape) for segmentation in segs)
        return functools.reduce(np.bitwise_or, masks, np.zeros(img_shape, np.uint8))

    def transform(self, results: dict) -> dict:
        results = super().transform(results)
        results['heatmap_mask'] = results['heatmap_mask'][None]
        return results
