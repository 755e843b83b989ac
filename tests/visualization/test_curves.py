"""Plots have a panel for each quantity, and a logarithmic axis where values spread widely."""

import cv2
import numpy as np
import pytest

from vitpose_plus.visualization.curves import draw_curves, spans_a_decade


@pytest.mark.parametrize(
    ('values', 'spans'),
    [
        ([[1.0, 10.0]], True),
        ([[1.0, 3.0], [9.0, 10.0]], True),
        ([[1.0, 9.0]], False),
        ([[0.0, 10.0]], False),
        ([[-1.0, 10.0]], False),
        ([[float('nan'), 1.0, 10.0]], True),
        ([[1.0, float('inf')]], False),
        ([[float('nan')]], False),
        ([[]], False),
    ],
)
def test_values_that_span_a_decade(values, spans):
    lines = {str(row): dict(enumerate(line)) for row, line in enumerate(values)}
    assert spans_a_decade(lines) == spans


def colours(path):
    """Returns the colours of matplotlib's cycle that occur in more than 20 pixels."""
    cycle = dict(C0=(31, 119, 180), C1=(255, 127, 14), C2=(44, 160, 44))
    picture = cv2.imread(str(path))[:, :, ::-1].astype(int)
    return {name for name, rgb in cycle.items() if (abs(picture - rgb).max(axis=2) < 8).sum() > 20}


def test_every_training_has_a_colour_and_every_quantity_a_panel(tmp_path):
    line = {at: 1 / at for at in range(1, 30)}
    lines = {'a': line, 'b': {at: value / 2 for at, value in line.items()}}
    units = dict(v='iteration', w='epoch')
    draw_curves({'v': lines, 'w': lines}, units, tmp_path / 'two.png', logarithmic='v')
    draw_curves({'v': {'a': line}}, units, tmp_path / 'one.png')
    assert colours(tmp_path / 'two.png') == {'C0', 'C1'}
    assert colours(tmp_path / 'one.png') == {'C0'}
    two, one = (cv2.imread(str(tmp_path / f'{name}.png')).shape for name in ('two', 'one'))
    assert np.isclose(two[1], 2 * one[1], atol=2)
