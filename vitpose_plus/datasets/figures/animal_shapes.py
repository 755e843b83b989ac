"""The shapes of a synthetic animal."""

from collections.abc import Callable

import numpy as np

from vitpose_plus.datasets.figures.animal import KEYPOINTS, SPECIES, Pose, sample_pose
from vitpose_plus.datasets.figures.figure import Figure, Layer
from vitpose_plus.datasets.figures.shapes import (
    COOL,
    WARM,
    Colour,
    Shape,
    SideColours,
    hsv,
    hull,
    line,
)

Shade = Callable[[float], Colour]

# Keypoints of a side: those of the legs, and those where the legs join the trunk.
FREE = ('Elbow', 'F_Paw', 'Knee', 'B_Paw')
FIXED = ('Shoulder', 'Hip')


def _named(side: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f'{side}_{part}' for part in parts)


def sample_animal(
    rng: np.random.Generator, size: float, time: float = 0.0, name: str | None = None
) -> Figure:
    """A random animal at the origin.

    Args:
        rng: The source of random numbers; how many are used does not depend on ``time``.
        size: Nominal extent in pixels.
        time: Moment of the motion, in frames.
        name: The species; random if None.
    """
    name = name or str(rng.choice(list(SPECIES)))
    pose = sample_pose(rng, species := SPECIES[name], time)
    # Animals are wide: smaller ones leave space for others.
    unit = 0.84 * size / (1.15 + 0.45 * species.neck + 0.4 * species.head) * rng.uniform(0.95, 1.1)
    colours = {side: SideColours(rng, span) for side, span in (('L', WARM), ('R', COOL))}
    coat, grey, girth = rng.uniform((0.25, 0.06, 0.88), (0.95, 0.4, 1.12))

    def shade(value: float) -> Colour:
        return hsv(species.hue, grey, coat * value)

    near, far = pose.near, pose.far
    tail = line(pose.tail, 0.06 * unit * girth, shade(0.65), solid=True)
    trunk = _trunk(pose, shade, girth) + _joints(pose, far, colours[far])
    layers: list[Layer] = [
        ([tail, *_legs(pose, far, colours[far], girth, 0.8)], _named(far, FREE)),
        (trunk, ('Neck', 'Root of tail', *_named(far, FIXED))),
        (_legs(pose, near, colours[near], girth, 1.0), _named(near, FREE + FIXED)),
        (_head(pose, shade, colours), KEYPOINTS[:3]),
    ]
    scale = np.array([unit if near == 'L' else -unit, unit])
    layers = [
        ([shape._replace(points=shape.points * scale) for shape in shapes], names)
        for shapes, names in layers
    ]
    points = {key: pose.points[key] * scale for key in KEYPOINTS}
    figure = Figure(name, points, layers, pose.head * scale)
    figure.turn(float(np.clip(rng.normal(0, 6), -15, 15)))
    return figure


def _legs(pose: Pose, side: str, colours: SideColours, girth: float, light: float) -> list[Shape]:
    """The front and the back leg of a side; in each, the paw is last."""
    shapes = []
    for parts, thick in ((('Hip', 'Knee', 'B_Paw'), 0.095), (('Shoulder', 'Elbow', 'F_Paw'), 0.08)):
        ends = np.stack([pose.points[f'{side}_{part}'] for part in parts])
        radii = np.array([thick, 0.06, 0.042]) * girth
        shapes += [
            hull(ends[:2], radii[:2], colours.shade(light)),
            hull(ends[1:], radii[1:] * 0.92, colours.shade(0.72 * light, shift=1)),
            hull(ends[2] + [[0, 0], [-0.04, 0.005]], 0.045 * girth, colours.shade(0.5)),
            *(hull(end, 0.03, colours.shade(0.45 * light)) for end in ends[:2]),
            hull(ends[2], 0.02, colours.shade(0.95, 0.8), solid=False),
        ]
    return shapes


def _joints(pose: Pose, side: str, colours: SideColours) -> list[Shape]:
    """Discs over the trunk, where the legs of the far side join it."""
    names = (f'{side}_Shoulder', f'{side}_Hip')
    return [hull(pose.points[name], 0.03, colours.shade(0.6)) for name in names]


def _trunk(pose: Pose, shade: Shade, girth: float) -> list[Shape]:
    """Neck, trunk, stripes and discs on two keypoints; ``girth`` is a factor on the thickness."""
    points, depth = pose.points, pose.species.depth * girth
    neck, root, skull = points['Neck'], points['Root of tail'], pose.head[0]
    ends = np.stack([points['chest'], points['rump'], points['chest'] * 0.2 + (0, 0.03)])
    radii = np.array([0.47, 0.45, 0.46]) * depth
    shapes = [hull(np.stack([neck, skull]), np.array([0.15, 0.095]) * girth, shade(0.85))]
    shapes += [hull(np.stack([root, points['rump']]), [0.04, 0.4 * depth], shade(1))]
    shapes += [hull(np.stack([neck, points['chest']]), [0.12, 0.44 * depth], shade(1))]
    shapes += [hull(ends, radii, shade(1))]
    if pose.species.striped:
        for x in np.linspace(-0.2, 0.3, 6):
            ends = np.array([[x, -0.34 * depth], [x + 0.03, 0.3 * depth]])
            shapes.append(hull(ends, [0.022, 0.01], shade(0.3), solid=False))
    shapes += [hull(point, 0.035, shade(0.45)) for point in (neck, root)]
    return shapes


def _head(pose: Pose, shade: Shade, colours: dict[str, SideColours]) -> list[Shape]:
    """Ears, head, nose and eyes."""
    points, length = pose.points, pose.species.head
    skull, muzzle = pose.head
    ear = np.stack([points['poll'], points['ear']])
    shapes = [
        hull(ear + (skull - muzzle) * 0.25, [0.06, 0.02], shade(0.5)),
        hull(points[f'{pose.far}_Eye'], 0.15 * length, shade(0.9)),
        hull(pose.head, np.array([0.34, 0.2]) * length, shade(0.92)),
        hull(ear, [0.06, 0.02], shade(0.65)),
        hull(points['Nose'], 0.085 * length, (30, 25, 35)),
    ]
    for side, radius in ((pose.far, 0.1), (pose.near, 0.12)):
        eye = points[f'{side}_Eye']
        shapes.append(hull(eye, radius * length, (250, 250, 250)))
        shapes.append(hull(eye, radius * 0.65 * length, colours[side].shade(0.75), solid=False))
    return shapes
