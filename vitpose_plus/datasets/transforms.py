import numpy as np
from mmpose.datasets.transforms import TopdownAffine
from mmpose.registry import TRANSFORMS


@TRANSFORMS.register_module()
class StretchedTopdownAffine(TopdownAffine):
    """Warps the box to the crop whatever its shape; mmpose first widens it to the crop's shape.

    For boxes that all have one shape: a crop of MPII's square ones is 25 % too narrow in 256x192,
    in training and testing alike.
    """

    @staticmethod
    def _fix_aspect_ratio(bbox_scale: np.ndarray, aspect_ratio: float) -> np.ndarray:
        return bbox_scale
