"""People: keypoint names and random poses.

A person faces the viewer, so the left side is on the right of the picture. Poses are upright, in
pixels, with the pelvis at the origin.
"""

from dataclasses import dataclass

import numpy as np

from vitpose_plus.datasets.figures.shapes import rotation, towards

SIDES = ('left', 'right')
SIGN = {'left': 1.0, 'right': -1.0}


def _pairs(*parts: str) -> tuple[str, ...]:
    return tuple(f'{side}_{part}' for part in parts for side in SIDES)


def _hand(side: str) -> tuple[str, ...]:
    fingers = ('thumb', 'forefinger', 'middle_finger', 'ring_finger', 'pinky_finger')
    joints = (f'{side}_{finger}{i}' for finger in fingers for i in range(1, 5))
    return (f'{side}_hand_root', *joints)


BODY = (
    'nose',
    *_pairs('eye', 'ear', 'shoulder', 'elbow', 'wrist', 'hip', 'knee', 'ankle'),
)
FEET = tuple(f'{side}_{part}' for side in SIDES for part in ('big_toe', 'small_toe', 'heel'))
FACE = tuple(f'face-{i}' for i in range(68))
HANDS = {side: _hand(side) for side in SIDES}
WHOLEBODY = BODY + FEET + FACE + HANDS['left'] + HANDS['right']


def _chain(side: str, *parts: str) -> tuple[str, ...]:
    return tuple(f'{side}_{part}' for part in parts)


AIC = (
    *_chain('right', 'shoulder', 'elbow', 'wrist'),
    *_chain('left', 'shoulder', 'elbow', 'wrist'),
    *_chain('right', 'hip', 'knee', 'ankle'),
    *_chain('left', 'hip', 'knee', 'ankle'),
    'head_top',
    'neck',
)
MPII = (
    *_chain('right', 'ankle', 'knee', 'hip'),
    *_chain('left', 'hip', 'knee', 'ankle'),
    *('pelvis', 'thorax', 'upper_neck', 'head_top'),
    *_chain('right', 'wrist', 'elbow', 'shoulder'),
    *_chain('left', 'shoulder', 'elbow', 'wrist'),
)


@dataclass
class Pose:
    """A pose in pixels.

    Attributes:
        points: Name -> xy (2,), for every keypoint of every format.
        size: The nominal height.
        girth: A factor on the thickness of limbs.
        centre: The middle of the head, xy (2,).
        axes: Two vectors as rows xy (2, 2): half the width of the head, to the right, and half its
            height, down.
    """

    points: dict[str, np.ndarray]
    size: float
    girth: float
    centre: np.ndarray
    axes: np.ndarray


def sample_pose(rng: np.random.Generator, size: float) -> Pose:
    """A random pose of a person of nominal height ``size`` in pixels."""
    points: dict[str, np.ndarray] = {}
    bend = rotation(rng.normal(0, 5))
    thorax = np.array([0, -size * rng.uniform(0.24, 0.29)]) @ bend
    shoulders, hips = rng.uniform(0.095, 0.125), rng.uniform(0.055, 0.075)
    reach, stride = rng.uniform(0.92, 1.1, 2)
    slope = rotation(rng.normal(0, 4)) @ bend
    for side, sign in SIGN.items():
        shoulder = thorax + np.array([sign * shoulders, 0.022]) * size @ slope
        points |= _sample_arm(rng, side, shoulder, size * reach)
        points |= _sample_leg(rng, side, np.array([sign * hips * size, 0]), size * stride)
    centre, axes = _sample_head(rng, thorax, size, bend)
    points |= {'pelvis': np.zeros(2), 'thorax': thorax, 'upper_neck': centre + 0.92 * axes[1]}
    points |= {'neck': (thorax + points['upper_neck']) / 2, 'head_top': centre - axes[1]}
    face = sample_face(rng) @ axes + centre
    points |= dict(zip(FACE, face, strict=True))
    points |= {'nose': face[30], 'left_eye': face[42:48].mean(0), 'right_eye': face[36:42].mean(0)}
    for side, sign in SIGN.items():
        points[f'{side}_ear'] = centre + np.array([sign * 1.05, 0.02]) @ axes
    return Pose(points, size, rng.uniform(0.88, 1.18), centre, axes)


def _sample_arm(
    rng: np.random.Generator, side: str, shoulder: np.ndarray, size: float
) -> dict[str, np.ndarray]:
    """A random elbow, wrist and hand of 21 points, and the shoulder; name -> xy (2,)."""
    sign = SIGN[side]
    low, high = ((2, 60), (40, 120), (110, 168))[rng.choice(3, p=(0.5, 0.3, 0.2))]
    upper = rng.uniform(low, high)
    lower = upper + np.clip(rng.normal(10, 50), -115, 130)
    elbow = shoulder + towards(sign * upper) * size * 0.15 * rng.uniform(0.85, 1.05)
    wrist = elbow + towards(sign * lower) * size * 0.135 * rng.uniform(0.85, 1.05)
    along = towards(sign * (lower + np.clip(rng.normal(0, 18), -40, 40)))
    # The random sign turns the palm: it decides to which side the thumb points.
    across = np.array([along[1], -along[0]]) * rng.choice([-1, 1], p=(0.8, 0.2)) * sign
    hand = _sample_hand(rng) @ np.stack([along, across]) * size * rng.uniform(0.1, 0.12) + wrist
    points = dict(zip(HANDS[side], hand, strict=True))
    return points | {f'{side}_shoulder': shoulder, f'{side}_elbow': elbow, f'{side}_wrist': wrist}


def _sample_hand(rng: np.random.Generator) -> np.ndarray:
    """A random hand (21, 2): coordinates along and across it, from the wrist, in hand lengths."""
    spread = rng.uniform(0.6, 1.3)
    angles = np.deg2rad(np.array([52, 15, 3, -9, -23]) * spread)
    bases = np.array([[0.2, 0.15], [0.47, 0.17], [0.5, 0.05], [0.48, -0.07], [0.44, -0.18]])
    lengths = np.array([0.8, 0.95, 1.05, 0.97, 0.78]) * rng.uniform(0.65, 1, 5)
    steps = np.array([0, 0.2, 0.36, 0.49])
    ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    fingers = bases[:, None] + ways[:, None] * (lengths[:, None] * steps)[..., None]
    return np.concatenate([np.zeros((1, 2)), fingers.reshape(20, 2)])


def _sample_leg(
    rng: np.random.Generator, side: str, hip: np.ndarray, size: float
) -> dict[str, np.ndarray]:
    """A random knee, ankle and foot of three points, and the hip; name -> xy (2,)."""
    sign = SIGN[side]
    upper = rng.uniform(-4, 24) if rng.random() < 0.8 else rng.uniform(15, 60)
    lower = upper - np.clip(rng.normal(12, 18), -20, 70)
    knee = hip + towards(sign * upper) * size * 0.225 * rng.uniform(0.85, 1.03)
    ankle = knee + towards(sign * lower) * size * 0.205 * rng.uniform(0.85, 1.03)
    down = towards(sign * lower)
    forward = towards(sign * (lower + rng.uniform(15, 85)))
    inward = np.array([forward[1], -forward[0]]) * -sign
    heel = ankle + (0.024 * down - 0.01 * forward) * size
    tip = heel + forward * size * rng.uniform(0.065, 0.085)
    toes = tip + inward * size * 0.019, tip - (inward * 0.019 + forward * 0.012) * size
    parts = {
        'hip': hip,
        'knee': knee,
        'ankle': ankle,
        'big_toe': toes[0],
        'small_toe': toes[1],
        'heel': heel,
    }
    return {f'{side}_{part}': point for part, point in parts.items()}


def _sample_head(
    rng: np.random.Generator, thorax: np.ndarray, size: float, bend: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Random middle (2,) and axes (2, 2) of the head."""
    tall = size * rng.uniform(0.09, 0.115)
    axes = np.diag([tall * rng.uniform(0.74, 0.9), tall]) @ rotation(rng.normal(0, 9)) @ bend
    chin = thorax + np.array([0, -size * rng.uniform(0.03, 0.05)]) @ bend
    return chin - 0.92 * axes[1], axes


def sample_face(rng: np.random.Generator) -> np.ndarray:
    """A random face: 300-W's 68 points (68, 2), in half widths and half heights of the head."""
    lift, smile, gape, gaze = rng.uniform((0, -0.06, 0, 0.06), (0.1, 0.12, 1.3, 0.13))
    turn = np.linspace(0, np.pi, 17)
    jaw = np.stack([-0.97 * np.cos(turn), 0.06 + 0.92 * np.sin(turn)], axis=1)
    across = np.linspace(-1, 1, 5)
    brow = np.stack([across * 0.25, 0.07 * across**2 - 0.36 - lift], axis=1)
    bridge = np.stack([np.zeros(4), np.linspace(-0.14, 0.2, 4)], axis=1)
    wings = np.stack([across * 0.2, 0.33 - 0.05 * across**2], axis=1)
    eye = np.array([[-1, 0], [-0.4, -1], [0.4, -1], [1, 0], [0.4, 1], [-0.4, 1]]) * (0.19, gaze)
    upper = np.array([[-1, 0], [-0.65, -0.6], [-0.25, -0.9], [0, -0.75]])
    lower = np.array([[0.65, 0.7], [0.25, 1.0], [0, 1.1]]) * (1, 1 + 0.5 * gape)
    outer = _mirrored_ring(upper, lower)
    inner = np.array([[-0.8, 0], [-0.35, -0.3], [0, -0.25]]), np.array([[0.35, 0.3], [0, 0.35]])
    inner = _mirrored_ring(inner[0], inner[1] * (1, 1 + gape))
    mouth = np.concatenate([outer, inner]) * (0.33, 0.11)
    mouth[:, 1] += 0.57 - smile * np.abs(mouth[:, 0]) / 0.33
    sides = [np.array([x, y]) for x, y in ((-0.42, 0), (0.42, 0), (-0.41, -0.1), (0.41, -0.1))]
    parts = [brow + sides[0], brow + sides[1], bridge, wings, eye + sides[2], eye + sides[3], mouth]
    middle = np.concatenate(parts)
    # When the head turns, points nearer to the viewer move farther; the contour does not move.
    depth = np.sqrt(np.clip(1 - (middle**2).sum(1), 0, 1))[:, None]
    middle = middle + depth * rng.uniform((-0.22, -0.1), (0.22, 0.1))
    return np.concatenate([jaw, middle])


def _mirrored_ring(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """A closed ring, symmetric in x. The points of ``upper`` lead from its left corner to the top
    middle, those of ``lower`` from its right side to the bottom middle."""
    flip = np.array([-1, 1])
    ring = [upper, upper[-2::-1] * flip, lower, lower[-2::-1] * flip]
    return np.concatenate(ring)
