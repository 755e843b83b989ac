"""Boxes by hand: rows of the table, corners, and their drawing."""

import cv2
import numpy as np
import pytest

from vitpose_plus.app.hand_boxes import COLOUR, KEPT, complete_rows, draw, ordered, read_rows
from vitpose_plus.errors import UserError


def test_corners_may_be_in_any_order():
    for first, second in (((1, 2), (30, 40)), ((30, 2), (1, 40)), ((30, 40), (1, 2))):
        assert ordered(first, second) == [1, 2, 30, 40]


def test_rows_are_numbers_or_texts_and_empty_rows_are_left_out():
    rows = [['', '', '', ''], ['30', 2.5, 1, '40'], [None] * 4, [0, 0, 0, 0]]
    assert read_rows(rows) == [[1, 2.5, 30, 40]]


@pytest.mark.parametrize(
    ('row', 'message'),
    [
        ([1, 2, 3, ''], r'The box in row 2 is wrong: give four numbers \(x1, y1, x2, y2\)'),
        ([1, 2, 'x', 4], r'row 2 is wrong'),
        ([1, 2, float('nan'), 4], r'row 2 is wrong'),
        ([1, 2, {'path': '/etc/passwd'}, 4], r'row 2 is wrong'),
        ([1, 2, 1, 4], r'The box in row 2 has no area: give two opposite corners'),
    ],
)
def test_wrong_rows_are_named(row, message):
    with pytest.raises(UserError, match=message):
        read_rows([[1, 2, 3, 4], row])
    assert complete_rows([[1, 2, 3, 4], row, [5, 6, 7, 8]]) == [[1, 2, 3, 4], [5, 6, 7, 8]]


def test_boxes_and_the_first_corner_are_drawn_where_they_are(tmp_path):
    picture = tmp_path / 'picture.png'
    cv2.imwrite(str(picture), np.zeros((200, 300, 3), np.uint8))
    drawn = draw(picture, [[20, 30, 120, 150], [-1e9, 160, 1e300, 190]], (200, 80))
    image = cv2.imread(str(drawn))
    assert image.shape == (200, 300, 3)
    for x, y in ((20, 90), (120, 90), (70, 30), (70, 150), (150, 160), (200, 80)):
        np.testing.assert_allclose(image[y, x], COLOUR, atol=60)
    assert not image[60:140, 60:110].any()


def test_a_new_drawing_has_a_new_name_and_old_drawings_are_deleted(tmp_path):
    picture = tmp_path / 'picture.png'
    cv2.imwrite(str(picture), np.zeros((50, 50, 3), np.uint8))
    drawings = [draw(picture, [], None) for _ in range(KEPT + 3)]
    assert len(set(drawings)) == KEPT + 3
    assert set(tmp_path.iterdir()) == {picture, *drawings[-KEPT - 1 :]}
