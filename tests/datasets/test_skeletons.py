"""A skeleton has what the metainfo has, also if that is little."""

import pytest
from mmpose.datasets.datasets.utils import parse_pose_metainfo

from vitpose_plus.datasets.skeletons import Skeleton


@pytest.mark.parametrize('none', [[], None])
def test_metainfo_without_links_colours_sides_and_sigmas(none):
    info = dict(keypoint_info={0: dict(name='a'), 1: dict(name='b')}, joint_weights=[1.0, 1.0])
    info |= dict(dataset_name='own', skeleton_info={}, sigmas=none)
    assert Skeleton.of(parse_pose_metainfo(info)) == Skeleton('own', ('a', 'b'), (), (0, 1), ())
