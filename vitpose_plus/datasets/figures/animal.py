"""Four-legged animals: keypoint names, species and random poses.

Poses are in side view. The animal faces the left of the picture, and the middle of its trunk is at
the origin; the unit is its body length. An animal that shows its right side is mirrored later, so
it faces the right of the picture.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vitpose_plus.datasets.figures.shapes import towards

KEYPOINTS = (
    *('L_Eye', 'R_Eye', 'Nose', 'Neck', 'Root of tail'),
    *(f'{side}_{part}' for side in 'LR' for part in ('Shoulder', 'Elbow', 'F_Paw')),
    *(f'{side}_{part}' for side in 'LR' for part in ('Hip', 'Knee', 'B_Paw')),
)


class Species(NamedTuple):
    """Proportions of an animal.

    Attributes:
        number: The id of the category in AP-10K.
        family: The category's supercategory.
        leg, depth, neck, head, tail: Lengths in body lengths; ``depth`` is that of the trunk.
        hue: The hue of the coat, in degrees.
        striped: Whether the coat has stripes.
    """

    number: int
    family: str
    leg: float
    depth: float
    neck: float
    head: float
    tail: float
    hue: float
    striped: bool = False


SPECIES = {
    'cow': Species(5, 'Bovidae', 0.62, 0.46, 0.28, 0.32, 0.5, 15),
    'dog': Species(8, 'Canidae', 0.68, 0.34, 0.28, 0.31, 0.42, 30),
    'deer': Species(17, 'Cervidae', 0.86, 0.34, 0.48, 0.28, 0.14, 24),
    'horse': Species(21, 'Equidae', 0.86, 0.38, 0.52, 0.36, 0.5, 18),
    'zebra': Species(22, 'Equidae', 0.76, 0.4, 0.44, 0.35, 0.42, 45, True),
    'cat': Species(24, 'Felidae', 0.54, 0.33, 0.2, 0.25, 0.62, 35),
}


@dataclass
class Pose:
    """A pose in body lengths; the animal faces the left of the picture.

    Attributes:
        points: Name -> xy (2,), of keypoints and auxiliary points.
        species: The proportions of the animal.
        near: The side towards the viewer, 'L' or 'R'.
        far: The other side.
        head: xy of the skull and of the muzzle, (2, 2).
        tail: xy of points along the tail, (6, 2).
    """

    points: dict[str, np.ndarray]
    species: Species
    near: str
    far: str
    head: np.ndarray
    tail: np.ndarray


def sample_pose(rng: np.random.Generator, species: Species, time: float = 0.0) -> Pose:
    """A random pose; ``time``, in frames, moves it without changing the random numbers."""
    near, far = 'LR' if rng.random() < 0.5 else 'RL'
    points = _sample_trunk(rng, species)
    points |= _sample_legs(rng, species, near, np.zeros(2), time)
    points |= _sample_legs(rng, species, far, np.array([-0.13, -0.045]), time)
    head, head_points = _sample_head(rng, species, points['Neck'], near, far, time)
    tail = _sample_tail(rng, species, points['Root of tail'], time)
    return Pose(points | head_points, species, near, far, head, tail)


def _swing(rng: np.random.Generator, degrees: float, time: float) -> float:
    """The angle of a random oscillation, in degrees, at a time in frames."""
    return degrees * np.sin(rng.uniform(0, 2 * np.pi) + rng.uniform(0.3, 0.7) * time)


def _sample_trunk(rng: np.random.Generator, species: Species) -> dict[str, np.ndarray]:
    """Random keypoints and auxiliary points of the trunk, name -> xy (2,)."""
    stretch = rng.uniform(0.9, 1.12)
    top = -0.3 * species.depth
    return {
        'Neck': np.array([-0.45 * stretch, top]),
        'Root of tail': np.array([0.49 * stretch, top - rng.uniform(0, 0.06)]),
        'chest': np.array([-0.3 * stretch, 0]),
        'rump': np.array([0.32 * stretch, -0.01]),
    }


def _sample_legs(
    rng: np.random.Generator, species: Species, side: str, offset: np.ndarray, time: float
) -> dict[str, np.ndarray]:
    """A random front and back leg of a side, shifted by ``offset`` (2,) in body lengths."""
    length = species.leg * rng.uniform(0.9, 1.08)
    shoulder = np.array([-0.34, 0.3 * species.depth]) + offset
    hip = np.array([0.33, 0.2 * species.depth]) + offset
    front = _swing(rng, 26, time) + rng.normal(0, 5)
    elbow = shoulder + towards(front + 8) * length * 0.42
    paw = elbow + towards(front - 8 - rng.uniform(0, 14)) * length * 0.5
    back = _swing(rng, 26, time) + rng.normal(0, 5)
    knee = hip + towards(back - 20) * length * 0.44
    heel = knee + towards(back + 14 + rng.uniform(0, 14)) * length * 0.54
    names = ('Shoulder', 'Elbow', 'F_Paw', 'Hip', 'Knee', 'B_Paw')
    places = (shoulder, elbow, paw, hip, knee, heel)
    return {f'{side}_{name}': place for name, place in zip(names, places, strict=True)}


def _sample_head(
    rng: np.random.Generator, species: Species, neck: np.ndarray, near: str, far: str, time: float
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Random skull and muzzle, (2, 2), and the keypoints of the head, name -> xy (2,)."""
    rise = rng.uniform(105, 165) + _swing(rng, 8, time)
    skull = neck + towards(-rise) * species.neck * rng.uniform(0.9, 1.15)
    nod = rng.uniform(40, 95) + _swing(rng, 8, time)
    along = towards(-nod)
    up = np.array([along[1], -along[0]])
    if up[1] > 0:
        up = -up
    muzzle = skull + along * species.head * 0.72
    length = species.head
    points = {
        'Nose': muzzle + along * length * 0.14,
        f'{near}_Eye': skull + (0.12 * along + 0.06 * up) * length,
        f'{far}_Eye': skull + (0.27 * along + 0.27 * up) * length,
        'ear': skull + (-0.28 * along + 0.55 * up) * length,
        'poll': skull + (-0.05 * along + 0.25 * up) * length,
    }
    return np.stack([skull, muzzle]), points


def _sample_tail(
    rng: np.random.Generator, species: Species, root: np.ndarray, time: float
) -> np.ndarray:
    """Random points along the tail, (6, 2)."""
    angle, curl = rng.uniform(10, 130) + _swing(rng, 14, time), rng.uniform(-18, 18)
    steps = [towards(angle + curl * i) * species.tail / 5 for i in range(5)]
    return root + np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
