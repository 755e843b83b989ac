"""PCKh is exact. The usual threshold hides an error of one pixel; these tests use a lower one."""

import numpy as np
import pytest
from mmpose.registry import METRICS

from vitpose_plus.evaluation import ZeroBasedMpiiPCKAccuracy


def pck(metric, offset):
    """PCK@0.1 in percent of 16 joints that are ``offset`` pixels off in x; the limit is 1 pixel."""
    joints = np.random.default_rng(0).uniform(0, 200, (1, 16, 2))
    truth = dict(keypoints=joints, keypoints_visible=np.ones((1, 16)), head_size=np.array([[10.0]]))
    predicted = dict(keypoints=joints + np.array([offset, 0]))
    metric.process(None, [dict(gt_instances=truth, pred_instances=predicted)])
    return metric.evaluate(1)['mpii/PCK@0.1']


@pytest.mark.parametrize(('offset', 'expected'), [(0, 100), (0.9, 100), (-0.9, 100), (1.1, 0)])
def test_both_joints_and_predictions_start_at_zero(offset, expected):
    assert pck(ZeroBasedMpiiPCKAccuracy(prefix='mpii'), offset) == expected


def test_mmposes_own_metric_expects_joints_from_one():
    assert pck(METRICS.build(dict(type='MpiiPCKAccuracy', prefix='mpii')), 0) == 0
