"""Points and boxes of one picture -> animals, for tools that store them separately."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from vitpose_plus.datasets.labels.label_format import Animal, Point
from vitpose_plus.errors import UserError

HINT = 'group the points of each animal, with its box, in the labelling tool'


@dataclass
class LoosePoint:
    """A keypoint and the key of its group, if it has one."""

    point: Point
    group: Hashable | None = None


@dataclass
class LooseBox:
    """A box x, y, width, height, its label, and the key of its group, if it has one."""

    xywh: tuple[float, float, float, float]
    label: str
    group: Hashable | None = None

    def contains(self, point: Point) -> bool:
        x, y, width, height = self.xywh
        return x <= point.x <= x + width and y <= point.y <= y + height


def grouped(
    points: list[LoosePoint], boxes: list[LooseBox], wrong: Callable[[str, str], UserError]
) -> list[Animal]:
    """Returns the animals of a picture.

    Points of one group are one animal. The box of the same group is its box. A point without a
    group belongs to the only box of the picture, or else to the only box that contains it. See
    ``give_boxes`` for boxes without a group. Without groups and boxes, all points are one animal.

    Args:
        points: The points.
        boxes: The boxes. Boxes without points are left out.
        wrong: Makes the error from what is wrong and what to do.

    Raises:
        UserError: It is not clear to which animal a point belongs, or which box an animal has.
    """
    by_key: dict[Hashable, LooseBox] = {}
    for number, box in enumerate(boxes):
        key = ('box', number) if box.group is None else box.group
        if key in by_key:
            raise wrong(f'has two boxes in the group {key}', HINT)
        by_key[key] = box
    animals: dict[Hashable, Animal] = {}
    has_groups = any(point.group is not None for point in points)
    for loose in points:
        key = loose.group
        if key is None:
            key = _key_of_box(loose.point, by_key, has_groups, wrong)
        animals.setdefault(key, Animal([])).points.append(loose.point)
    for key, box in by_key.items():
        if key in animals:
            animals[key].box, animals[key].category = box.xywh, box.label
    give_boxes(list(animals.values()), [box for k, box in by_key.items() if k not in animals])
    return list(animals.values())


def give_boxes(animals: list[Animal], boxes: list[LooseBox]) -> None:
    """Gives animals without a box the boxes without a group, by the points in the boxes.

    A box must contain all points of only one animal, and be the only such box of this animal. An
    animal without a category gets the label of its box.
    """
    without = [animal for animal in animals if animal.box is None and animal.points]
    found: dict[int, list[LooseBox]] = {}
    for box in boxes:
        around = [n for n, one in enumerate(without) if all(map(box.contains, one.points))]
        if box.group is None and len(around) == 1:
            found.setdefault(around[0], []).append(box)
    for number, own in found.items():
        if len(own) == 1:
            animal = without[number]
            animal.box, animal.category = own[0].xywh, animal.category or own[0].label


def _key_of_box(
    point: Point,
    boxes: dict[Hashable, LooseBox],
    has_groups: bool,
    wrong: Callable[[str, str], UserError],
) -> Hashable:
    if len(boxes) == 1 and not has_groups:
        return next(iter(boxes))
    if not boxes and not has_groups:
        return None
    around = [key for key, box in boxes.items() if box.contains(point)]
    if len(around) != 1:
        where = f'lies in {len(around)} boxes' if boxes else 'has no group, but others have one'
        raise wrong(f'has a keypoint {point.name} ({point.place}) that {where}', HINT)
    return around[0]
