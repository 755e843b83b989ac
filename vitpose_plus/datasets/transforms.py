"""Transforms of boxes and crops that mmpose does not have: the authors', and for two looks."""

from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmpose.datasets.transforms import LoadImage, RandomBBoxTransform, TopdownAffine
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class LoadImageOnce(LoadImage):
    """Keeps the last picture, so that it is decoded once for all people in it.

    This is for tests, where the people of a picture follow each other. In a shuffled training they
    almost never do. The pixels are read-only, because the samples share them.
    """

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.path: str | None = None
        self.loaded: dict[str, Any] = {}

    def transform(self, results: dict[str, Any]) -> dict[str, Any] | None:
        """Adds ``img`` (h, w, 3), ``img_shape`` and ``ori_shape``, as mmpose's ``LoadImage``."""
        if 'img' in results:
            return super().transform(results)
        if results['img_path'] != self.path:
            self.path = None  # if the next line fails
            loaded = super().transform(dict(img_path=results['img_path']))
            if loaded is None:
                return None
            loaded['img'].flags.writeable = False
            self.loaded, self.path = loaded, loaded['img_path']
        return results | self.loaded


@TRANSFORMS.register_module()
class ClippedNormalBBoxTransform(RandomBBoxTransform):
    """Scales and rotates boxes by clipped normal noise, without shifting them.

    mmpose's noise is normal noise truncated at one sigma, so most boxes change only a little. This
    noise is clipped at the same bound, so a third of all boxes has one of the extreme sizes.

    Args:
        scale_factor: Sigma of the scale around 1, and also its largest distance from 1.
        rotate_factor: Sigma of the angle, in degrees; the angle is clipped at twice that.
        rotate_prob: The share of boxes that are rotated.
    """

    def __init__(
        self, scale_factor: float = 0.5, rotate_factor: float = 40.0, rotate_prob: float = 0.6
    ) -> None:
        super().__init__(
            shift_prob=0.0,
            scale_factor=(1 - scale_factor, 1 + scale_factor),
            rotate_factor=rotate_factor,
            rotate_prob=rotate_prob,
        )

    @cache_randomness
    def _get_transform_params(self, num_bboxes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Offsets (n, 2), all zero, scales (n, 1) and angles in degrees (n,)."""
        low, high = self.scale_factor
        noise = np.random.randn(num_bboxes, 2).astype(np.float32)
        scale = np.clip(1 + noise[:, :1] * (high - low) / 2, low, high)
        angle = np.clip(noise[:, 1], -2, 2) * self.rotate_factor
        turned = np.random.rand(num_bboxes) < self.rotate_prob
        return np.zeros((num_bboxes, 2), np.float32), scale, np.where(turned, angle, 0.0)


@TRANSFORMS.register_module()
class StretchedTopdownAffine(TopdownAffine):
    """Stretches a box of any shape to the crop; mmpose first widens it to the crop's shape.

    This is for datasets whose boxes all have the same shape. In crops of 256x192, the content of
    MPII's square boxes becomes 25 % narrower, in training and in testing.
    """

    @staticmethod
    def _fix_aspect_ratio(bbox_scale: np.ndarray, aspect_ratio: float) -> np.ndarray:
        return bbox_scale


@TRANSFORMS.register_module()
class RandomWholePicture(BaseTransform):
    """Replaces some boxes by the whole picture, so that one model learns both looks.

    A model that predicts without a detector first looks at the whole picture, then at the box
    around the keypoints that it found there.

    Args:
        probability: The part of the samples that are whole pictures.
    """

    def __init__(self, probability: float = 0.5) -> None:
        super().__init__()
        self.probability = probability

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Changes ``bbox_center`` and ``bbox_scale``, (n, 2) in pixels.

        The padding is that of the boxes: ``bbox`` (n, 4) is the box before it was padded.
        """
        if np.random.rand() < self.probability:
            height, width = results['img_shape'][:2]
            wh = np.array([[width, height]], np.float32)
            sides = results['bbox'][:, 2:] - results['bbox'][:, :2]
            padding = results['bbox_scale'] / sides
            results['bbox_center'] = np.repeat(wh / 2, len(padding), axis=0)
            results['bbox_scale'] = wh * padding
        return results
