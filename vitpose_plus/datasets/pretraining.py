"""Parts of pictures for pre-training: MAE's augmentation, for any shape of the input."""

import math

import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS
from PIL import Image

KEPT = ('img_path', 'ori_shape', 'dataset_name')  # fields that are still right for a part
TRIES = 10


@TRANSFORMS.register_module()
class MiddlePictureCrop(BaseTransform):
    """The largest part with the input's shape, from the picture's middle, resized to the input.

    Boxes and keypoints are dropped, because they may be outside the part. Pixels are read as in
    MAE: by Pillow's bicubic filter, which averages when it makes a picture smaller. (The crops of a
    pose model are bilinear, without averaging.) Unlike in MAE, the coordinates of corners may be
    fractions of pixels. The area outside the picture is black.

    Args:
        input_size: Width and height of the result, in pixels.
    """

    def __init__(self, input_size: tuple[int, int]) -> None:
        self.input_size = tuple(input_size)
        self.shape = input_size[0] / input_size[1]

    def transform(self, results: dict) -> dict:
        """``img`` (height, width, 3) -> a part of it in the input's size, without annotations."""
        corner, size = self.part(*self.region(results))
        img = read_part(results['img'], corner, size, self.input_size)
        return dict(
            {key: results[key] for key in KEPT if key in results},
            img=img,
            img_shape=img.shape[:2],
            input_size=self.input_size,
        )

    def region(self, results: dict) -> tuple[np.ndarray, np.ndarray]:
        """Upper left corner (x, y) and size (w, h), in pixels, of the region around the part."""
        height, width = results['img'].shape[:2]
        return np.zeros(2), np.array([width, height], float)

    def part(self, corner: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Corner and size of the part, from the corner and size of the region."""
        own = min(size[0], size[1] * self.shape) * np.array([1, 1 / self.shape])
        return corner + (size - own) / 2, own


def read_part(
    img: np.ndarray, corner: np.ndarray, size: np.ndarray, wh: tuple[int, int]
) -> np.ndarray:
    """Resizes a part of a picture (height, width, 3) to the size ``wh`` with a bicubic filter.

    The part's pixels are cut out first, so the filter reads no pixel outside them. For a part of
    whole pixels the result is the same, to the bit, as torchvision's ``resized_crop`` of a Pillow
    picture.

    Args:
        img: The picture, uint8 or float32.
        corner: Upper left corner (x, y) of the part, in pixels.
        size: Width and height of the part, in pixels.
        wh: Width and height of the result, in pixels.
    """
    near, far = np.round(corner, 6), np.round(corner + size, 6)  # rounding must not add a pixel
    start, stop = np.floor(near).astype(int), np.ceil(far).astype(int)
    box = (*(near - start), *(far - start))
    parts = [
        Image.fromarray(np.ascontiguousarray(channel))
        .crop((*start, *stop))
        .resize(wh, Image.Resampling.BICUBIC, box)
        for channel in np.moveaxis(img, -1, 0)
    ]
    return np.stack(parts, axis=-1)


@TRANSFORMS.register_module()
class RandomPictureCrop(MiddlePictureCrop):
    """A random part of the picture, within MAE's bounds.

    If ``TRIES`` random parts do not fit into the picture, the part in the middle is taken.

    Args:
        input_size: Width and height of the result, in pixels.
        area: Smallest and largest share of the picture's area.
        stretch: Smallest and largest factor between the part's ratio of width to height and the
            input's ratio (3/4 and 4/3 in MAE, where the input is a square).
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        area: tuple[float, float] = (0.2, 1.0),
        stretch: tuple[float, float] = (3 / 4, 4 / 3),
    ) -> None:
        super().__init__(input_size)
        self.area = area
        self.stretch = stretch

    def part(self, corner: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        for _ in range(TRIES):
            area = size.prod() * np.random.uniform(*self.area)
            shape = self.shape * math.exp(np.random.uniform(*np.log(self.stretch)))
            own = np.sqrt([area * shape, area / shape])
            if (own <= size).all():
                return corner + np.random.uniform(size=2) * (size - own), own
        return super().part(corner, size)


@TRANSFORMS.register_module()
class RandomPersonCrop(RandomPictureCrop):
    """A random part of a person's box, which is first widened to the input's shape.

    The box is that of ``GetBBoxCenterScale``, with the same margin as the crops of pose models.
    """

    def region(self, results: dict) -> tuple[np.ndarray, np.ndarray]:
        size = results['bbox_scale'][0]
        size = np.maximum(size, [size[1] * self.shape, size[0] / self.shape])
        return results['bbox_center'][0] - size / 2, size
