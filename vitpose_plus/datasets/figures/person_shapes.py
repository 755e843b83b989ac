"""The shapes of a synthetic person."""

import numpy as np

from vitpose_plus.datasets.figures.figure import Figure, Layer
from vitpose_plus.datasets.figures.gait import swing
from vitpose_plus.datasets.figures.person import BODY, FACE, HANDS, SIDES, Pose, sample_pose
from vitpose_plus.datasets.figures.shapes import (
    CIRCLE,
    COOL,
    WARM,
    Colour,
    Shape,
    SideColours,
    hsv,
    hull,
    line,
    muted,
)

# Keypoints by the part of the person that shows them.
LEG = ('knee', 'ankle', 'big_toe', 'small_toe', 'heel')
ARM = ('shoulder', 'elbow', 'wrist')
TRUNK = ('left_hip', 'right_hip', 'pelvis', 'thorax')
HEAD = (*BODY[:5], 'head_top', 'upper_neck', 'neck')


def _named(side: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f'{side}_{part}' for part in parts)


def sample_person(rng: np.random.Generator, size: float, time: float = 0.0) -> Figure:
    """A random person at the origin.

    Args:
        rng: The source of random numbers; how many are used does not depend on ``time``.
        size: Nominal height in pixels.
        time: Moment of the motion, in frames.
    """
    pose = sample_pose(rng, size)
    swing(pose, time)
    skin = hsv(rng.uniform(14, 32), rng.uniform(0.18, 0.5), rng.uniform(0.45, 1.0))
    hair, shirt, shorts = (muted(rng, *span) for span in ((0.05, 0.6), (0.3, 0.95), (0.15, 0.7)))
    sides = {side: SideColours(rng, span) for side, span in zip(SIDES, (WARM, COOL), strict=True)}
    sleeves = {side: SideColours(rng, span) for side, span in zip(SIDES, (WARM, COOL), strict=True)}
    layers: list[Layer] = [(_long_hair(pose, hair) if rng.random() < 0.35 else [], ())]
    for side in rng.permutation(SIDES):
        layers.append((_leg(pose, side, sides[side]), _named(side, LEG)))
    hips = [_joint(pose, f'{side}_hip', 0.02, sides[side].shade(0.6)) for side in SIDES]
    layers.append((_trunk(pose, shirt, shorts, skin) + hips, TRUNK))
    face = _face(pose, skin, muted(rng, 0.1, 0.4))
    layers.append((_head(pose, skin, hair) + face, HEAD + FACE))
    for side in rng.permutation(SIDES):
        layers.append((_arm(pose, side, sleeves[side]), _named(side, ARM) + HANDS[side]))
    figure = Figure('person', pose.points, layers, pose.centre + CIRCLE @ pose.axes)
    lean = rng.normal(0, 8) if rng.random() < 0.9 else rng.uniform(-45, 45)
    figure.turn(float(np.clip(lean, -45, 45)))
    return figure


def _limb(pose: Pose, ends: list[str], radii: tuple[float, float], colour: Colour) -> Shape:
    """A tapered limb between two keypoints; the unit of the radii is the nominal height."""
    return hull(
        np.stack([pose.points[name] for name in ends]),
        np.array(radii) * pose.size * pose.girth,
        colour,
    )


def _joint(pose: Pose, name: str, radius: float, colour: Colour) -> Shape:
    """A disc on a keypoint; the unit of its radius is the nominal height."""
    return hull(pose.points[name], radius * pose.size * pose.girth, colour)


def _leg(pose: Pose, side: str, colours: SideColours) -> list[Shape]:
    """Foot, lower and upper leg, and discs on the keypoints."""
    hip, knee, ankle = (f'{side}_{part}' for part in ('hip', 'knee', 'ankle'))
    points = pose.points
    foot = np.stack([points[f'{side}_{part}'] for part in ('heel', 'big_toe', 'small_toe')])
    unit = pose.size * pose.girth
    dark = colours.shade(0.45, shift=0.5)
    return [
        hull(foot, np.array([0.017, 0.015, 0.012]) * unit, colours.shade(0.7, 0.75, 0.5)),
        *(_joint(pose, f'{side}_{part}', 0.012, dark) for part in ('big_toe', 'heel')),
        _joint(pose, f'{side}_small_toe', 0.008, dark),
        _limb(pose, [knee, ankle], (0.034, 0.023), colours.shade(0.72, shift=1)),
        _limb(pose, [hip, knee], (0.045, 0.036), colours.shade()),
        _joint(pose, knee, 0.02, colours.shade(0.5)),
        _joint(pose, ankle, 0.015, colours.shade(0.5)),
    ]


def _arm(pose: Pose, side: str, colours: SideColours) -> list[Shape]:
    """Upper and lower arm, hand, and discs on the keypoints."""
    shoulder, elbow, wrist = (f'{side}_{part}' for part in ('shoulder', 'elbow', 'wrist'))
    return [
        _limb(pose, [shoulder, elbow], (0.036, 0.028), colours.shade()),
        _limb(pose, [elbow, wrist], (0.027, 0.021), colours.shade(0.74, shift=1)),
        *_hand(pose, side, colours),
        _joint(pose, shoulder, 0.019, colours.shade(0.55)),
        _joint(pose, elbow, 0.016, colours.shade(0.55)),
        _joint(pose, wrist, 0.014, colours.shade(0.55)),
    ]


def _hand(pose: Pose, side: str, colours: SideColours) -> list[Shape]:
    """Palm, five fingers in alternating shades, and a dot on each tip."""
    points = np.stack([pose.points[name] for name in HANDS[side]])
    width = 0.0115 * pose.size
    shapes = [hull(points[[0, 1, 5, 9, 13, 17]], width * 0.75, colours.shade(0.9, 0.6))]
    for i in range(5):
        start = 1 + 4 * i
        tone = colours.shade(1, 0.55) if i % 2 else colours.shade(0.72, 0.75)
        shapes.append(line(points[start : start + 4], width, tone, solid=True))
        shapes.append(hull(points[start + 3], width * 0.5, colours.shade(0.45), solid=False))
    return shapes


def _trunk(pose: Pose, shirt: Colour, shorts: Colour, skin: Colour) -> list[Shape]:
    """Shirt, shorts, neck, collar and pelvis."""
    names = [f'{side}_{part}' for part in ('shoulder', 'hip') for side in SIDES]
    corners = np.stack([pose.points[name] for name in names])
    unit = pose.size * pose.girth
    waist = 0.86 * corners[2:] + 0.14 * corners[:2]
    neck = np.stack([pose.points['thorax'], pose.points['upper_neck']])
    collar = pose.points['thorax']
    return [
        hull(corners, np.array([0.026, 0.026, 0.038, 0.038]) * unit, shirt),
        hull(np.concatenate([waist, corners[2:]]), 0.039 * unit, shorts),
        hull(neck, np.array([0.03, 0.026]) * unit, skin),
        hull(collar, 0.012 * unit, _dim(skin, 0.5)),
        hull(pose.points['pelvis'], 0.014 * unit, _dim(shorts, 0.5)),
    ]


def _head(pose: Pose, skin: Colour, hair: Colour) -> list[Shape]:
    """Ears, head and a cap of hair."""
    ears = [pose.points[f'{side}_ear'] for side in SIDES]
    radius = 0.2 * np.linalg.norm(pose.axes[1])
    turn = np.linspace(np.deg2rad(200), np.deg2rad(340), 16)
    cap = np.stack([np.cos(turn), np.sin(turn)], axis=1) * 1.02
    shapes = [hull(ear, radius, _dim(skin, 0.75)) for ear in ears]
    shapes.append(Shape(pose.centre + CIRCLE @ pose.axes, skin))
    shapes.append(Shape(pose.centre + (cap - (0, 0.12)) @ pose.axes * (1, 0.99), hair))
    shapes += [hull(ear, radius * 0.45, _dim(skin, 0.45), solid=False) for ear in ears]
    return shapes


def _long_hair(pose: Pose, hair: Colour) -> list[Shape]:
    """Hair behind the head, down to the shoulders."""
    ends = np.array([[-0.75, 1.1], [0.75, 1.1], [0, -0.15]]) @ pose.axes + pose.centre
    unit = np.linalg.norm(pose.axes[0])
    return [hull(ends, np.array([0.4, 0.4, 1.1]) * unit, hair)]


def _face(pose: Pose, skin: Colour, ink: Colour) -> list[Shape]:
    """Jaw line, brows, nose, eyes and mouth."""
    face = np.stack([pose.points[name] for name in FACE])
    unit = np.linalg.norm(pose.axes[1])
    dark = _dim(skin, 0.55)
    shapes = [line(face[:17], 0.05 * unit, dark)]
    shapes += [line(face[span], 0.1 * unit, ink) for span in (slice(17, 22), slice(22, 27))]
    shapes += [line(face[27:31], 0.07 * unit, _dim(skin, 0.8))]
    shapes += [line(face[31:36], 0.07 * unit, dark)]
    shapes += [hull(face[30], 0.07 * unit, dark, solid=False)]
    for eye in (face[36:42], face[42:48]):
        shapes.append(Shape(eye, (245, 245, 245), 0, False))
        shapes.append(line(np.concatenate([eye, eye[:1]]), 0.03 * unit, ink))
        shapes.append(hull(eye.mean(0), 0.065 * unit, (20, 20, 20), solid=False))
    lips, gap = (190, 60, 120), (40, 20, 60)
    shapes.append(Shape(face[48:60], lips, 0, False))
    shapes.append(Shape(face[60:68], gap, 0, False))
    return shapes


def _dim(colour: Colour, factor: float) -> Colour:
    return tuple(round(channel * factor) for channel in colour)
