"""Lines of ``predictions.ndjson`` as dicts."""

from functools import cache

import numpy as np
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from vitpose_plus.datasets.skeletons import Skeleton

MOUSE = Skeleton('mouse', ('snout', 'tailbase'), ((0, 1),), (0, 1), (0.05, 0.05), (64, 64))


def instance(keypoints, **fields):
    """Returns an instance with keypoints x, y, score; the default dataset is the mouse."""
    given = dict(dataset='mouse', id=None, box=[1.0, 0.0, 50.0, 60.0], box_score=1.0)
    return given | dict(keypoints=np.array(keypoints, float).tolist()) | fields


def line_of(source, *instances, **fields):
    size = dict(width=640, height=480)
    return dict(source=source, frame=None, time=None, **size, instances=list(instances)) | fields


FIRST = instance([[10.5, 20.25, 0.9], [30.0, 40.125, 0.8]])
SECOND = instance([[1.0, 2.0, 0.5], [3.0, 4.0, 0.25]])
SMOOTHED = FIRST | dict(id=3, smoothed=[[11.5, 21.25], [31.0, 41.125]])
COMPLETE = SMOOTHED | dict(filled=True, quality=dict(flip_distance=[1.5, 2.5], spread=[3.5, 4.5]))
COMPLETE |= dict(jumps=[1])


@cache
def skeleton_of(name, input_wh=(192, 256)):
    """Returns the skeleton of a dataset of mmpose."""
    metainfo = parse_pose_metainfo(dict(from_file=f'configs/_base_/datasets/{name}.py'))
    return Skeleton.of(metainfo, input_wh)


def random_instance(rng, skeleton, **fields):
    """Returns a random instance, rounded as in ``predictions.ndjson``."""
    number = len(skeleton.names)
    low, length = rng.uniform(0, 300, 2), rng.uniform(60, 180, 2)
    xy = low + rng.uniform(0, 1, (number, 2)) * length
    keypoints = np.round(np.c_[xy, rng.uniform(0, 1, number)], 4).tolist()
    box = np.round([*low, *(low + length)], 4).tolist()
    score = round(float(rng.uniform(0.3, 1)), 6)
    own = dict(dataset=skeleton.dataset, box=box, box_score=score)
    return instance(keypoints, **(own | fields))


def moved(one, by, **fields):
    """Returns an instance with every keypoint shifted in x and y."""
    keypoints = [[round(x + by, 4), round(y + by, 4), score] for x, y, score in one['keypoints']]
    return one | dict(keypoints=keypoints) | fields
