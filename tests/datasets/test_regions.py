"""Regions in every form that COCO allows; all that the check accepts can be read."""

import random
import time

import numpy as np
import pytest
from pycocotools import mask as coco

from vitpose_plus.datasets.regions import region_mask, region_problem
from vitpose_plus.errors import UserError

HW = (9, 14)
WH = HW[::-1]


def sample_mask(random_state):
    """A random mask of a few rectangles; some masks are empty, some are full."""
    region = np.zeros(HW, np.uint8)
    for _ in range(random_state.integers(4)):
        y1, x1 = (random_state.integers(n) for n in HW)
        y2, x2 = (random_state.integers(n + 1) for n in HW)
        region[y1:y2, x1:x2] = 1
    return region if random_state.random() < 0.9 else np.ones_like(region)


def compressed(region):
    return coco.encode(np.asfortranarray(region))


def uncompressed(region):
    flat = np.concatenate([[0], region.T.ravel()])
    ends = np.flatnonzero(np.diff(flat))
    return dict(size=list(HW), counts=np.diff([0, *ends, region.size]).tolist())


def test_run_lengths_of_both_kinds_are_read_like_in_pycocotools():
    random_state = np.random.default_rng(0)
    for _ in range(200):
        region = sample_mask(random_state)
        runs = compressed(region)
        as_text = dict(runs, counts=runs['counts'].decode())
        for given in (runs, as_text, uncompressed(region), [as_text]):
            assert region_problem(given, WH) is None
            np.testing.assert_array_equal(region_mask(given, HW), region)


def test_long_run_lengths():
    """Numbers of several characters, and differences of both signs."""
    hw = (700, 900)
    noise = np.random.default_rng(0).random(hw)
    for share in (0.001, 0.3):
        region = (noise < share).astype(np.uint8)
        region[100:500, 300:800] = 1
        np.testing.assert_array_equal(region_mask(compressed(region), hw), region)


SQUARE = [2, 1, 8, 1, 8, 6, 2, 6]
FAR = [-40, -40, 100, -40, 100.5, 100, -40, 100]


@pytest.mark.parametrize('outlines', [[SQUARE], [SQUARE, [9.5, 2, 13, 2, 13, 8]], [FAR], [[3] * 6]])
def test_outlines_are_read_like_in_pycocotools(outlines):
    expected = coco.decode(coco.merge(coco.frPyObjects(outlines, *HW)))
    assert region_problem(outlines, WH) is None
    np.testing.assert_array_equal(region_mask(outlines, HW), expected)


def test_several_forms_of_the_same_region():
    square = region_mask([SQUARE], HW)
    assert square.sum() == 6 * 5
    for same in (SQUARE, tuple(SQUARE), [SQUARE, []], [SQUARE, [1, 1]], [compressed(square)]):
        np.testing.assert_array_equal(region_mask(same, HW), square)
    both = region_mask([SQUARE, uncompressed(region_mask([9, 2, 13, 2, 13, 8], HW))], HW)
    np.testing.assert_array_equal(both, region_mask([SQUARE, [9, 2, 13, 2, 13, 8]], HW))


WITHOUT_AREA = {
    'nothing': None,
    'no outlines': [],
    'an empty outline': [[]],
    'a point': [[3, 4]],
    'two points': [[3, 4, 5, 6]],
    'two points, flat': [3, 4, 5, 6],
    'an empty mapping': {},
    'no run lengths': dict(size=[9, 14], counts=[]),
    'no characters': dict(size=[9, 14], counts=''),
    'run lengths of nothing': dict(size=[9, 14], counts='00'),
    'only zeros': dict(size=[9, 14], counts=[126]),
}


@pytest.mark.parametrize('segmentation', WITHOUT_AREA.values(), ids=WITHOUT_AREA)
def test_a_region_without_area_masks_nothing(segmentation):
    assert region_problem(segmentation, WH) is None
    assert not region_mask(segmentation, HW).any()


NO_NUMBERS = 'an outline that is not a list of numbers'
FAR_OR_NOT_FINITE = 'an outline with a coordinate that is not finite or far from its picture'
UNREADABLE = 'run lengths that cannot be read'
OTHER_SIZE = r'run lengths of another size \(height, width\) than its picture'
OTHER_SUM = 'run lengths that do not add up to the pixels of its picture'
PROBLEMS = [
    ('person', 'a segmentation that is neither outlines nor run lengths'),
    (7, 'a segmentation that is neither outlines nor run lengths'),
    ([None], NO_NUMBERS),
    ([['a'] * 6], NO_NUMBERS),
    ([[True] * 6], NO_NUMBERS),
    ([[[2, 1], [8, 1], [8, 6]]], NO_NUMBERS),
    ([2, 1, 8, 1, 8, None], NO_NUMBERS),
    ([[2, 1, 8, 1, 8, 6, 2]], 'an outline with an odd number of values, not pairs of x and y'),
    ([[2, 1, 8, 1, 8, float('nan')]], FAR_OR_NOT_FINITE),
    ([SQUARE, [2, 1, 8, 1, 8, float('inf')]], FAR_OR_NOT_FINITE),
    ([[2, 1, 8, 1, 8, 1e12]], FAR_OR_NOT_FINITE),
    ([[2, 1, 8, 1, 8, 10**400]], FAR_OR_NOT_FINITE),
    (dict(size=[14, 9], counts=[126]), OTHER_SIZE),
    (dict(size=None, counts=[126]), OTHER_SIZE),
    (dict(counts=[126]), OTHER_SIZE),
    (dict(size=[9, 14]), UNREADABLE),
    (dict(size=[9, 14], counts=126), UNREADABLE),
    (dict(size=[9, 14], counts=['126']), UNREADABLE),
    (dict(size=[9, 14], counts=[100.5, 25.5]), UNREADABLE),
    (dict(size=[9, 14], counts=[float('nan')]), UNREADABLE),
    (dict(size=[9, 14], counts='é'), UNREADABLE),
    (dict(size=[9, 14], counts='\ud800'), UNREADABLE),
    (dict(size=[9, 14], counts='oo'), UNREADABLE),  # ends within a number
    (dict(size=[9, 14], counts='o' * 10**6 + '0'), UNREADABLE),
    (dict(size=[9, 14], counts=[100]), OTHER_SUM),
    (dict(size=[9, 14], counts=[100, 27]), OTHER_SUM),
    (dict(size=[9, 14], counts=[-1, 127]), OTHER_SUM),
    (dict(size=[9, 14], counts=[10**400]), OTHER_SUM),
    (dict(size=[9, 14], counts='01'), OTHER_SUM),
]


@pytest.mark.parametrize(('segmentation', 'problem'), PROBLEMS)
def test_wrong_regions_are_refused(segmentation, problem):
    with pytest.raises(UserError, match=f'^An annotation has {problem}: correct its segmentation'):
        region_mask(segmentation, HW)


UNEXPECTED = [None, True, -1, 1.5, 1e9, float('nan'), 'a', 'o', b'0', [], {}, [1, 2], 10**30]


def mutated(value, chance):
    """The value with one part of it replaced, dropped or doubled."""
    if isinstance(value, dict) and chance.random() < 0.9:
        key = chance.choice(list(value))
        return dict(value, **{key: mutated(value[key], chance)})
    if isinstance(value, list) and value and chance.random() < 0.9:
        row, new = chance.randrange(len(value)), []
        if chance.random() < 0.6:
            new = [mutated(value[row], chance)] * chance.choice([1, 1, 2])
        return value[:row] + new + value[row + 1 :]
    if isinstance(value, str | bytes) and value and chance.random() < 0.9:
        row = chance.randrange(len(value))
        code = chance.randrange(32, 127)
        new = bytes([code]) if isinstance(value, bytes) else chr(code)
        return value[:row] + new + value[row + 1 :]
    return chance.choice(UNEXPECTED)


def test_a_region_is_read_only_if_the_check_accepts_it():
    chance, random_state = random.Random(0), np.random.default_rng(0)
    passed = 0
    for _ in range(3000):
        region = sample_mask(random_state)
        start = chance.choice([[SQUARE, FAR], SQUARE, compressed(region), uncompressed(region)])
        given = mutated(start, chance)
        if region_problem(given, WH) is None:
            passed += 1
            found = region_mask(given, HW)
            assert found.shape == HW
            assert found.dtype == np.uint8
            assert found.max() <= 1
        else:
            with pytest.raises(UserError, match='correct its segmentation'):
                region_mask(given, HW)
    assert 500 < passed < 2500


def test_the_check_is_quick():
    outline = np.random.default_rng(0).uniform(0, 600, 40).tolist()
    start = time.perf_counter()
    for _ in range(1000):
        region_problem([outline], (640, 480))
    assert time.perf_counter() - start < 0.1  # 7 microseconds each, measured
