"""What the authors do to boxes and crops, where mmpose does something else."""

import numpy as np
from mmcv.transforms.utils import cache_randomness
from mmpose.datasets.transforms import RandomBBoxTransform, TopdownAffine
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class ClippedNormalBBoxTransform(RandomBBoxTransform):
    """Resizes and turns boxes by clipped normal noise, and never shifts them.

    mmpose's noise is a normal truncated at one sigma: most boxes hardly change. Clipped at the same
    bound, a third of all boxes has the extreme size.

    Args:
        scale_factor: Sigma of the size, and what it is clipped at, around 1.
        rotate_factor: Sigma of the angle, in degrees; it is clipped at twice that.
        rotate_prob: The share of boxes that are turned at all.
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
        """Offsets (n, 2) of zero, scales (n, 1), angles in degrees (n,)."""
        low, high = self.scale_factor
        noise = np.random.randn(num_bboxes, 2).astype(np.float32)
        scale = np.clip(1 + noise[:, :1] * (high - low) / 2, low, high)
        angle = np.clip(noise[:, 1], -2, 2) * self.rotate_factor
        turned = np.random.rand(num_bboxes) < self.rotate_prob
        return np.zeros((num_bboxes, 2), np.float32), scale, np.where(turned, angle, 0.0)


@TRANSFORMS.register_module()
class StretchedTopdownAffine(TopdownAffine):
    """Warps the box to the crop whatever its shape; mmpose first widens it to the crop's shape.

    For boxes that all have one shape: a crop of MPII's square ones is 25 % too narrow in 256x192,
    in training and testing alike.
    """

    @staticmethod
    def _fix_aspect_ratio(bbox_scale: np.ndarray, aspect_ratio: float) -> np.ndarray:
        return bbox_scale
