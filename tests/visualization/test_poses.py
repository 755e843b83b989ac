"""Poses are drawn at their coordinates, at every size, and nothing else in the picture changes."""

import cv2
import numpy as np
import pytest

from vitpose_plus.datasets.skeletons import LEFT, MIDDLE, RIGHT, Skeleton
from vitpose_plus.visualization.poses import COLOURS, DARK, draw_pose

GREY = 127


def skeleton(links=(), names=('nose', 'left_eye', 'right_eye')):
    flips = {0: (0,), 1: (0,), 2: (1, 0), 3: (0, 2, 1)}[min(len(names), 3)]
    flips += tuple(range(3, len(names)))
    return Skeleton('any', names, tuple(links), flips, (0.1,) * len(names))


def empty(height, width, value=GREY):
    return np.full((height, width, 3), value, np.uint8)


def difference(image, value=GREY):
    return np.abs(image.astype(int) - value).sum(axis=2)


def painted(image, colour):
    """Returns rows and columns of the pixels with a colour."""
    return np.argwhere(np.abs(image.astype(int) - colour).max(axis=2) < 40)


@pytest.mark.parametrize('length', [256, 8000])
@pytest.mark.parametrize('figure', [24, 300, 4000])
@pytest.mark.parametrize('background', [0, GREY, 255])
def test_a_dot_is_at_the_coordinates_of_its_keypoint(length, figure, background):
    """Checks the centre of the dot with its outline: OpenCV draws to a 16th of a pixel."""
    rows, columns = np.indices((256, 256))
    box = np.full(4, 128.0) + np.array([-1, -1, 1, 1]) * figure / 2
    for point in ([120.3, 130.7], [128, 128], [100.5, 140.25]):
        alone = empty(256, length, background)
        drawn = alone.copy()
        keypoints = np.tile(point, (3, 1))
        draw_pose(alone, keypoints, np.zeros(3), skeleton(), box)
        draw_pose(drawn, keypoints, np.array([0.9, 0, 0]), skeleton(), box)
        drawn, alone = drawn[:, :256], alone[:, :256]
        changed = np.abs(drawn.astype(float) - alone).sum(axis=2)
        centre = [(columns * changed).sum(), (rows * changed).sum()] / changed.sum()
        np.testing.assert_allclose(centre, point, atol=0.25)
        assert len(painted(drawn, COLOURS[0][MIDDLE])) > 1


def test_every_dot_has_the_colour_of_its_side():
    image = empty(400, 400)
    points = np.array([[200, 80.0], [320, 300], [80, 300]])
    draw_pose(image, points, np.ones(3), skeleton([(0, 1), (0, 2), (1, 2)]), number=1)
    for (x, y), side in zip(points.astype(int), (MIDDLE, LEFT, RIGHT), strict=True):
        np.testing.assert_array_equal(image[y, x], COLOURS[1][side])
    # A link has the colour of its end with a side; from left to right it has that of the middle.
    np.testing.assert_array_equal(image[190, 260], COLOURS[1][LEFT])
    np.testing.assert_array_equal(image[190, 140], COLOURS[1][RIGHT])
    np.testing.assert_array_equal(image[300, 200], COLOURS[1][MIDDLE])


def test_datasets_and_sides_have_different_colours():
    colours = [np.array(c) for one in COLOURS for c in one.values()] + [np.array(DARK)]
    for i, first in enumerate(colours):
        for second in colours[:i]:
            assert np.abs(first - second).max() >= 50
    first, again = empty(50, 50), empty(50, 50)
    for image, number in ((first, 1), (again, 1 + len(COLOURS))):
        draw_pose(image, np.full((3, 2), 25.0), np.ones(3), skeleton(), number=number)
    np.testing.assert_array_equal(first, again)


def test_keypoints_are_drawn_only_above_the_threshold():
    points = np.array([[20, 20.0], [80, 20], [80, 80]])
    image = empty(100, 100)
    draw_pose(image, points, np.full(3, 0.3), skeleton([(0, 1), (1, 2)]))
    assert not difference(image).any()
    draw_pose(image, points, np.array([0.9, 0.31, 0.3]), skeleton([(0, 1), (1, 2)]))
    assert difference(image)[20, 50]  # the link between the two
    assert not difference(image)[30:, :].any()
    lower = empty(100, 100)
    draw_pose(lower, points, np.full(3, 0.3), skeleton(), score=0.2)
    assert difference(lower)[80, 80]


OUTSIDE = [-1e300, -1e9, -(2.0**31), -50, 150, 2.0**31, 1e9, 1e300, np.inf, -np.inf, np.nan]


@pytest.mark.parametrize('value', OUTSIDE)
def test_points_outside_the_picture_are_clipped(value):
    image = empty(100, 100)
    points = np.array([[50, 50.0], [value, 50], [value, value]])
    box = np.array([-value, 20, value, 80.0])
    draw_pose(image, points, np.ones(3), skeleton([(0, 1), (1, 2)]), box, label='cat')
    assert difference(image)[50, 50]
    if np.isfinite(value):  # the link leaves the picture in its row
        column = 5 if value < 50 else 95
        assert difference(image)[50, column]
        assert not difference(image)[70:78, 30:45].any()


def test_nothing_to_draw_changes_nothing():
    for points, scores in ((np.full((3, 2), np.nan), np.ones(3)), (np.zeros((3, 2)), np.zeros(3))):
        image = empty(50, 50)
        draw_pose(image, points, scores, skeleton([(0, 1)]), label='nobody')
        assert not difference(image).any()


def widths(size, picture):
    """Returns the width of a long link in a figure of a size, in pixels."""
    image = empty(min(picture, size + 60), picture)
    points = np.array([[10, 20.0], [10 + size, 20], [10, 20 + size]])
    draw_pose(image, points, np.ones(3), skeleton([(0, 1)]))
    column = difference(image[: size // 2 + 20, 10 + size // 2, None])
    return np.count_nonzero(column > 150)  # half of an outline's difference


@pytest.mark.parametrize(('size', 'picture', 'least', 'most'), [
    (24, 100, 2, 5),
    (24, 8000, 2, 5),
    (200, 1000, 4, 8),
    (200, 8000, 6, 14),
    (1000, 2000, 15, 32),
    (1900, 8000, 27, 60),
])  # fmt: skip
def test_the_width_of_lines_depends_on_the_figure_and_the_picture(size, picture, least, most):
    assert least <= widths(size, picture) <= most


def test_hands_and_faces_are_drawn_finer():
    """Keypoints with short links, and keypoints without links that are close together."""
    names = ('nose', 'left_eye', 'right_eye', *(f'k{i}' for i in range(5)))
    points = np.array([[50, 50.0], [350, 50], [50, 350]] + [[200 + 6 * i, 300] for i in range(5)])
    with_links = skeleton([(0, 1), (0, 2), (3, 4), (4, 5), (5, 6), (6, 7)], names)
    for drawn in (with_links, skeleton([(0, 1), (0, 2)], names)):
        image = empty(400, 400)
        draw_pose(image, points, np.ones(8), drawn)
        rows = np.flatnonzero(difference(image)[280:320, 195:230].any(axis=1))
        assert len(rows) <= 6
        large = np.flatnonzero(difference(image)[20:80, 50])
        assert len(large) >= 14
        for x, y in points.astype(int):
            assert difference(image)[y, x]


@pytest.mark.parametrize('background', [0, 255])
def test_a_figure_stands_out_from_any_background(background):
    """All along a line, some pixel differs by at least 100 grey values."""
    for number in range(len(COLOURS)):
        image = empty(200, 200, background)
        draw_pose(
            image,
            np.array([[20, 100.0], [180, 100], [100, 180]]),
            np.ones(3),
            skeleton([(0, 1)]),
            number=number,
        )
        apart = np.abs(image.astype(int) - background).max(axis=2)
        assert (apart[:, 30:170].max(axis=0) > 100).all()


def test_a_label_stays_in_the_picture():
    for box in ([0, 0, 40, 40], [80, 80, 100, 100], [-500, -500, -400, -400], [150, -9, 300, 5]):
        image = empty(100, 100)
        plain = empty(100, 100)
        shape = np.array(box, float)
        for drawn, label in ((image, 'dog 0.9'), (plain, None)):
            draw_pose(drawn, np.zeros((3, 2)), np.zeros(3), skeleton(), shape, label=label)
        label_pixels = np.abs(image.astype(int) - plain).sum(axis=2) > 0
        assert label_pixels.sum() > 200
        assert len(painted(image, COLOURS[0][MIDDLE])) > 20


def test_a_box_is_drawn_on_its_sides():
    image = empty(100, 100)
    draw_pose(image, np.zeros((3, 2)), np.zeros(3), skeleton(), np.array([20, 30, 70.0, 80]))
    rows, columns = np.nonzero(difference(image))
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == pytest.approx(
        (30, 80, 20, 70), abs=2
    )
    assert not difference(image)[35:75, 25:65].any()


def test_a_figure_in_a_large_picture_costs_no_copy_of_it():
    image = np.zeros((8000, 8000, 3), np.uint8)  # the system allocates only pages that are written
    points = np.array([[4000, 4000.0], [4040, 4000], [4000, 4060]])
    start = cv2.getTickCount()
    for _ in range(50):
        draw_pose(image, points, np.ones(3), skeleton([(0, 1), (1, 2)]), label='a')
    seconds = (cv2.getTickCount() - start) / cv2.getTickFrequency()
    assert seconds / 50 < 0.01  # a copy of 192 MB takes longer than that
