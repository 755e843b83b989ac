"""Near duplicates are removed from films: one person has one instance, two people have two."""

import numpy as np
import pytest

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.inference.duplicates import NearDuplicates
from vitpose_plus.inference.results import Instance, Result
from vitpose_plus.inference.tracking import ByteTracking

pytest.importorskip('trackers')

NAMES = 'head', 'hand', 'foot'
SIGMAS = 0.05, 0.06, 0.09
STANDING = np.array([(30, 5), (10, 60), (25, 150)], float)
POINTING = np.array([(30, 5), (58, 20), (45, 150)], float)


def skeleton(name, sigmas=SIGMAS, input_wh=(192, 256)):
    return Skeleton(name, NAMES, ((0, 1), (0, 2)), (0, 1, 2), sigmas, input_wh)


def person(corner, pose=STANDING, score=0.9, dataset='coco', wh=(60, 160)):
    """A person with the upper left corner (2,) of the box."""
    corner = np.asarray(corner, float)
    box = np.concatenate([corner, corner + wh])
    return Instance(dataset, box, score, corner + pose, np.full(len(pose), 0.8))


def film(rows, frame=0, **settings):
    """The frames of a film from lists of instances."""
    known = {name: skeleton(name, **settings) for name in ('coco', 'ap10k')}
    return [Result('a.mp4', 640, 480, r, known, k + frame, k / 25) for k, r in enumerate(rows)]


def kept(instances, **settings):
    (result,) = NearDuplicates()(film([instances], **settings))
    return result.instances


def test_two_boxes_of_one_person_become_one_track():
    """The second box is larger, has a varying score, and its keypoints are moved by 2 pixels."""
    rows = []
    for k in range(20):
        first, second = person((9 * k, 50)), person((9 * k + 2, 52), wh=(75, 190))
        second.box_score = 0.6 + 0.2 * (k % 2)
        rows.append([second, first])
    tracked = list(ByteTracking()(film(rows)))
    assert [[one.id for one in each.instances] for each in tracked] == [[1]] * 20
    assert [each.instances for each in tracked] == [row[1:] for row in rows]


def test_two_people_stay_if_their_boxes_overlap_and_their_poses_differ():
    """The IoU of the boxes is 0.88; a limit of 0.65 for boxes would remove one."""
    people = [person((100, 50)), person((104, 50), POINTING, 0.6)]
    assert kept(people) == people


def test_the_highest_score_stays_and_the_others_keep_their_order():
    wrong = [person((101, 50), score=0.5), person((301, 90), score=0.4)]
    right = [person((300, 90), score=0.7), person((100, 50)), person((500, 50), score=0.4)]
    assert kept([wrong[0], *right[:2], wrong[1], right[2]]) == right


def test_instances_of_different_datasets_are_not_compared():
    both = [person((100, 50)), person((100, 50), score=0.5, dataset='ap10k')]
    assert kept(both) == both


@pytest.mark.parametrize('settings', [dict(sigmas=()), dict(input_wh=None)])
def test_without_sigmas_and_for_bottom_up_models_all_instances_stay(settings):
    twice = [person((100, 50)), person((100, 50), score=0.5)]
    assert len(kept(twice)) == 1
    assert kept(twice, **settings) == twice


def test_given_boxes_without_scores_all_stay():
    twice = [person((100, 50), score=1.0), person((100, 50), score=1.0)]
    assert kept(twice) == twice


def test_pictures_and_frames_without_duplicates_are_the_same_objects():
    twice = [person((100, 50)), person((100, 50), score=0.5)]
    picture = Result('a.jpg', 640, 480, twice, {'coco': skeleton('coco')})
    frames = film([[], [person((100, 50))], [person((100, 50)), person((300, 50), score=0.5)]])
    given = [picture, *frames]
    found = list(NearDuplicates()(given))
    assert all(one is other for one, other in zip(found, given, strict=True))


def test_the_manifest_states_the_limit():
    assert ByteTracking().describe()['duplicates'] == {'max_oks': 0.9}
