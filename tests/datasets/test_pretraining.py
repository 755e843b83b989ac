"""Parts of pictures for pre-training: their pixels and their distribution."""

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resized_crop

from vitpose_plus.datasets import MiddlePictureCrop, RandomPersonCrop, RandomPictureCrop
from vitpose_plus.datasets.pretraining import read_part

SIZE = (192, 256)  # width, height
SHAPE = 3 / 4


def ramp(height, width):
    """A picture whose colours are the coordinates of the pixel: x, y, 0."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([x, y, np.zeros_like(x)], axis=-1)


def test_a_picture_of_the_input_s_size_does_not_change():
    img = np.random.randint(0, 255, (256, 192, 3), np.uint8)
    assert np.array_equal(MiddlePictureCrop(SIZE).transform(dict(img=img))['img'], img)


@pytest.mark.parametrize(('height', 'width'), [(300, 500), (700, 200)])
def test_the_middle_is_as_large_as_possible(height, width):
    part = MiddlePictureCrop(SIZE).transform(dict(img=ramp(height, width)))['img']
    scale = min(width / 192, height / 256)
    x, y = part[100, 50, :2]
    assert x == pytest.approx(width / 2 + (50.5 - 96) * scale - 0.5, abs=0.05)
    assert y == pytest.approx(height / 2 + (100.5 - 128) * scale - 0.5, abs=0.05)


PARTS = {'smaller': (100, 50, 225, 300), 'half': (20, 10, 384, 400), 'larger': (200, 90, 60, 80)}


@pytest.mark.parametrize('kind', PARTS)
def test_parts_of_whole_pixels_are_the_same_as_in_mae(kind):
    """The result is the same, to the bit, as MAE's ``RandomResizedCrop`` of a Pillow picture.

    It differs from the result in floating point only by the rounding to 8 bits after each axis. The
    last rounding adds up to 0.5. The first adds up to 0.7, because the magnitudes of a filter's
    weights have a sum of at most 1.4.
    """
    left, top, width, height = PARTS[kind]
    img = np.random.default_rng(0).integers(64, 192, (480, 640, 3), np.uint8)  # nothing overshoots
    part = read_part(img, np.array([left, top]), np.array([width, height]), SIZE)
    box = (top, left, height, width, SIZE[::-1], InterpolationMode.BICUBIC)
    assert np.array_equal(part, np.asarray(resized_crop(Image.fromarray(img), *box)))
    exact = resized_crop(torch.from_numpy(img).permute(2, 0, 1).double(), *box, antialias=True)
    assert np.abs(part - exact.permute(1, 2, 0).numpy()).max() < 0.5 + 0.7


def test_shrinking_averages():
    """Stripes of one pixel become grey at a third of the size, not black or white."""
    img = np.zeros((768, 576, 3), np.uint8)
    img[:, ::2] = 255
    part = MiddlePictureCrop(SIZE).transform(dict(img=img))['img'][:, 4:-4]
    assert np.abs(part - 127.5).max() < 20


def parts(crop, results, number=2000):
    region = crop.region(results)
    corners, sizes = zip(*(crop.part(*region) for _ in range(number)), strict=True)
    return *region, np.array(corners), np.array(sizes)


PERSON = dict(
    img=ramp(600, 800),
    bbox_center=np.array([[300.0, 200.0]]),
    bbox_scale=np.array([[100.0, 300.0]]),
)


@pytest.mark.parametrize('kind', [RandomPictureCrop, RandomPersonCrop])
def test_parts_lie_within_their_region_and_mae_s_bounds(kind):
    corner, size, corners, sizes = parts(kind(SIZE), PERSON)
    assert (corners >= corner - 1e-6).all()
    assert (corners + sizes <= corner + size + 1e-6).all()
    share = sizes.prod(1) / size.prod()
    stretch = sizes[:, 0] / sizes[:, 1] / SHAPE
    assert (share.min(), stretch.min(), stretch.max()) == pytest.approx((0.2, 3 / 4, 4 / 3), 0.02)
    assert share.max() <= 1
    assert np.median(np.log(stretch)) == pytest.approx(0, abs=0.1)
    # Parts are anywhere: on average, the margins on both sides of a part are equal.
    margins = (corners - corner).mean(0) / (corner + size - corners - sizes).mean(0)
    assert margins == pytest.approx((1, 1), abs=0.15)


def test_a_person_s_region_is_the_pose_model_s_crop():
    corner, size, *_ = parts(RandomPersonCrop(SIZE), PERSON, 1)
    assert size.tolist() == [225.0, 300.0]
    assert corner.tolist() == [187.5, 50.0]
    corner, size, *_ = parts(RandomPictureCrop(SIZE), PERSON, 1)
    assert (corner.tolist(), size.tolist()) == ([0, 0], [800, 600])


def test_pixels_are_those_of_the_part_and_black_outside_the_picture():
    crop = RandomPersonCrop(SIZE, area=(1, 1), stretch=(1, 1))
    part = crop.transform(PERSON)['img']
    scale = 300 / 256
    assert part.shape == (256, 192, 3)
    # At the edges the filter has only pixels of one side: it reads nothing outside the part.
    for row, column, apart in ((0, 0, 0.1), (255, 191, 0.1), (3, 188, 0.02), (100, 30, 0.02)):
        x, y = 187.5 + (column + 0.5) * scale - 0.5, 50 + (row + 0.5) * scale - 0.5
        assert part[row, column, :2] == pytest.approx((x, y), rel=0, abs=apart)
    beside = dict(PERSON, bbox_center=np.array([[-200.0, 200.0]]), img=PERSON['img'] + 1)
    assert not crop.transform(beside)['img'].any()


def test_annotations_that_are_no_longer_right_are_dropped():
    given = dict(PERSON, img_path='a.jpg', bbox=np.zeros((1, 4)), keypoints=np.zeros((1, 17, 2)))
    kept = RandomPersonCrop(SIZE).transform(given)
    assert set(kept) == {'img', 'img_path', 'img_shape', 'input_size'}


def test_the_middle_is_taken_if_no_random_part_fits():
    wide = dict(img=np.zeros((10, 1000, 3), np.uint8))
    *_, corners, sizes = parts(RandomPictureCrop(SIZE, area=(0.9, 1.0)), wide, 3)
    assert sizes == pytest.approx(np.array([[7.5, 10.0]] * 3))
    assert corners == pytest.approx(np.array([[496.25, 0.0]] * 3))
