"""What training on whole pictures needs and mmpose lacks."""

import functools

import numpy as np
from mmpose.datasets.transforms import BottomupGetHeatmapMask, RandomFlip
from mmpose.registry import TRANSFORMS

from vitpose_plus.datasets.regions import region_mask


@TRANSFORMS.register_module()
class WholePictureFlip(RandomFlip):
    """After the affine transform; mmpose takes the input's width for its height there."""

    def transform(self, results: dict) -> dict:
        size = results['input_size']
        results = super().transform(results | dict(input_size=size[::-1]))
        return results | dict(input_size=size)


@TRANSFORMS.register_module()
class CrowdHeatmapMask(BottomupGetHeatmapMask):
    """The heatmap pixels that count, (1, h, w): not crowds, nor people without keypoints.

    mmpose passes over crowds, whose regions are run lengths and not outlines.
    """

    def _segs_to_mask(self, segs: list, img_shape: tuple[int, int]) -> np.ndarray:
        """Segmentations of a picture of (height, width) pixels -> (height, width), 1 within."""
        masks = (region_mask(segmentation, img_shape) for segmentation in segs)
        return functools.reduce(np.bitwise_or, masks, np.zeros(img_shape, np.uint8))

    def transform(self, results: dict) -> dict:
        results = super().transform(results)
        results['heatmap_mask'] = results['heatmap_mask'][None]
        return results
