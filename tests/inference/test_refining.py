"""The options ``smooth`` and ``fill``: their errors, and the results of a predictor."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from tests.helpers.tracks import film, walking
from vitpose_plus.errors import UserError
from vitpose_plus.inference.filling import Filling
from vitpose_plus.inference.refining import Refinement, Stages
from vitpose_plus.inference.smoothing import OneEuro, SavitzkyGolay

TIMES = np.arange(20) / 30


@pytest.mark.parametrize(
    ('smooth', 'fill', 'message'),
    [
        ('mean', 0, r"no smoother 'mean': give one-euro or savgol"),
        (None, -1, r'longest gap to fill, -1, is wrong: give a number of frames, 0 or more'),
        (None, 1.5, r'gap to fill, 1.5, is wrong'),
    ],
)
def test_wrong_options_raise_one_sentence(smooth, fill, message):
    with pytest.raises(UserError, match=message):
        Refinement(smooth, fill)


@pytest.mark.parametrize(('smooth', 'fill'), [('one-euro', 0), (SavitzkyGolay(), 0), (None, 2)])
def test_ids_come_from_tracks_or_from_the_prediction(smooth, fill):
    refine = Refinement(smooth, fill)
    message = r'--smooth and --fill need the ids of tracks: add --track .* use --boxes refine'
    with pytest.raises(UserError, match=message):
        Stages(None, refine, has_ids=False)
    Stages(None, refine, has_ids=True)
    Stages(tracked, refine, has_ids=False)


def test_without_options_and_ids_nothing_changes():
    stages = Stages(None, Refinement(None, 0), has_ids=False)
    results = film(TIMES, walking(TIMES))
    assert stages(results) is results
    assert stages.describe() == dict(track=None)


def test_jumps_are_marked_in_raw_keypoints_before_gaps_are_filled():
    points = walking(TIMES)
    points[10, 4] += 80
    stages = Stages(None, Refinement('one-euro', 2), has_ids=True)
    found = [result.instances[0] for result in stages(film(TIMES, points, missing=(13,)))]
    assert [number for number, each in enumerate(found) if each.jumps is not None] == [10]
    assert np.flatnonzero(found[10].jumps).tolist() == [4]
    assert found[13].filled
    np.testing.assert_array_equal(found[10].keypoints, points[10])


def test_gaps_are_filled_before_the_smoothing():
    def results():
        return film(TIMES, walking(TIMES), missing=(5, 6))

    refine = Refinement('one-euro', 2)
    assert refine.describe() == dict(smooth=dict(kind='one-euro', **asdict(OneEuro())), fill=2)
    expected = OneEuro()(Filling(2)(results()))
    for one, other in zip(refine(results()), expected, strict=True):
        assert one.to_dict() == other.to_dict()
        assert 'smoothed' in one.to_dict()['instances'][0]


def test_the_source_ends_if_the_results_are_closed():
    """The threads of a prediction end at once."""
    ended = []

    def results():
        try:
            yield from film(TIMES, walking(TIMES))
        finally:
            ended.append(True)

    refined = Refinement('savgol', 3)(results())
    next(refined)
    assert not ended
    refined.close()
    assert ended


def tracked(results):
    """Pictures as the frames of a film; the number of an instance in its picture is its id."""
    for number, result in enumerate(results):
        own = [replace(one, id=id) for id, one in enumerate(result.instances)]
        yield replace(result, source='a.mp4', frame=number, time=number / 30, instances=own)


def test_a_predictor_smooths_and_fills(predictor, people):
    folder, annotations = people
    raw = list(tracked(predictor(folder, boxes=annotations)))
    found = predictor(folder, boxes=annotations, track=tracked, smooth='one-euro', fill=3)
    expected = Refinement('one-euro', 3)(raw)
    for result, other in zip(found, expected, strict=True):
        assert len(result.instances) == len(other.instances) > 0
        for one, two in zip(result.instances, other.instances, strict=True):
            assert one.filled == two.filled
            np.testing.assert_allclose(one.keypoints, two.keypoints, atol=1e-3)
            np.testing.assert_allclose(one.smoothed, two.smoothed, atol=1e-3)
    with pytest.raises(UserError, match=r'add --track'):
        predictor(folder, boxes=annotations, smooth='one-euro')
