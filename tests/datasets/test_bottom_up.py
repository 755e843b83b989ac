"""In training, the regions of crowds and of people without keypoints do not count."""

import numpy as np
import pytest
from mmpose.registry import TRANSFORMS

HW = (24, 32)


def test_flips_of_an_input_that_is_not_square():
    flip = TRANSFORMS.build(dict(type='WholePictureFlip', direction='horizontal', prob=1.0))
    picture = np.zeros((*HW, 3), np.uint8)
    picture[5, 3], picture[20, 30] = 1, 2
    results = dict(
        img=picture,
        img_shape=(100, 200),  # before the affine transform
        input_size=HW[::-1],
        keypoints=np.float32([[[3, 5], [30, 20]]]),
        keypoints_visible=np.ones((1, 2)),
        flip_indices=[1, 0],
    )
    flipped = flip.transform(results)
    assert flipped['input_size'] == HW[::-1]
    values = [flipped['img'][int(y), int(x), 0] for x, y in flipped['keypoints'][0]]
    assert values == [2, 1]


def outline(x1, y1, x2, y2):
    return [[x1, y1, x2, y1, x2, y2, x1, y2]]


def crowd(x1, y1, x2, y2):
    """Run lengths as in COCO's files: column by column, zeros first."""
    region = np.zeros(HW, np.uint8)
    region[y1:y2, x1:x2] = 1
    flat = region.T.ravel()
    ends = np.flatnonzero(np.diff(flat)) + 1
    return dict(size=list(HW), counts=np.diff([0, *ends, flat.size]).tolist())


def mask(*segmentations, **results):
    size = dict(img_shape=HW, input_size=HW[::-1], invalid_segs=list(segmentations))
    out = TRANSFORMS.build(dict(type='CrowdHeatmapMask')).transform(size | results)
    assert out['heatmap_mask'].dtype == bool
    return out['heatmap_mask']


def test_only_crowds_and_unlabelled_people_do_not_count():
    assert mask().shape == (1, *HW)
    assert mask().all()
    expected = np.ones(HW, bool)
    expected[4:12, 8:20] = False
    np.testing.assert_array_equal(mask(crowd(8, 4, 20, 12))[0], expected)
    np.testing.assert_array_equal(mask(outline(8, 4, 20, 12))[0], expected)
    expected[16:20, 0:30] = False
    both = mask(outline(8, 4, 20, 12), crowd(0, 16, 30, 20))
    np.testing.assert_array_equal(both[0], expected)


def test_without_segmentations_all_pixels_count():
    assert mask(None, []).all()


@pytest.mark.parametrize('flip', [False, True])
def test_the_mask_is_warped_with_the_picture_to_the_size_of_the_heatmaps(flip):
    shift = np.float32([[1, 0, 4], [0, 1, 0]])
    results = dict(flip=flip, flip_direction='horizontal', heatmaps=np.zeros((1, 6, 8)))
    expected = np.ones((6, 8), bool)
    expected[:, 0] = False  # shifted in from outside
    expected[1:3, 3:6] = False
    given = mask(crowd(8, 4, 20, 12), warp_mat=shift, **results)[0]
    np.testing.assert_array_equal(given, expected[:, ::-1] if flip else expected)
