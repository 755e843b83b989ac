"""The swing of the arms and legs of a walking person."""

import numpy as np

from vitpose_plus.datasets.figures.person import HANDS, SIDES, SIGN, Pose
from vitpose_plus.datasets.figures.shapes import rotation

SPEED = 0.5  # of the oscillation, in radians per frame; that of the animals is similar
FOOT = ('ankle', 'big_toe', 'small_toe', 'heel')
# The swing of the upper and of the lower part of a limb at most, in degrees.
LEG = (20.0, 14.0)
ARM = (24.0, 16.0)


def swing(pose: Pose, time: float) -> None:
    """Turns the limbs of a pose as in walking; at time 0 nothing changes, not even in the last bit.

    Left and right move in opposite directions in the picture, and so do the arm and the leg of a
    side.

    Args:
        pose: The pose, changed in place.
        time: Moment of the motion, in frames.
    """
    wave = np.sin(SPEED * time)
    for side in SIDES:
        foot = tuple(f'{side}_{part}' for part in FOOT)
        knee, hip, shoulder, elbow = (
            f'{side}_{part}' for part in ('knee', 'hip', 'shoulder', 'elbow')
        )
        # The hand contains the same point as the wrist, as a separate keypoint.
        hand = (f'{side}_wrist', *HANDS[side])
        _turn(pose, hip, (knee, *foot), -SIGN[side] * wave * LEG[0])
        _turn(pose, knee, foot, -SIGN[side] * wave * LEG[1])
        _turn(pose, shoulder, (elbow, *hand), SIGN[side] * wave * ARM[0])
        _turn(pose, elbow, hand, SIGN[side] * wave * ARM[1])


def _turn(pose: Pose, joint: str, names: tuple[str, ...], degrees: float) -> None:
    """Turns keypoints about a joint, clockwise in the picture."""
    centre, change = pose.points[joint], rotation(degrees) - np.eye(2)
    for name in names:
        pose.points[name] = pose.points[name] + (pose.points[name] - centre) @ change
