"""The content of one label file before its pictures are found, and the base class of formats."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vitpose_plus.errors import UserError

MISSING, HIDDEN, VISIBLE = 0, 1, 2


@dataclass(frozen=True)
class Point:
    """A labelled keypoint: x and y in pixels, visibility 1 or 2; ``place`` is for messages."""

    name: str
    x: float
    y: float
    visibility: int
    place: str


@dataclass
class Animal:
    """The points of an animal or object. Missing keypoints have no point.

    Attributes:
        points: The labelled points.
        box: x, y, width, height in pixels.
        category: The kind of animal; None if the file names none.
    """

    points: list[Point]
    box: tuple[float, float, float, float] | None = None
    category: str | None = None


@dataclass
class Entry:
    """A picture in a label file.

    Attributes:
        picture: The name or path of the picture, as in the file.
        place: Where it is in the file, for messages.
        animals: The animals in the picture.
        size_wh: Width and height in pixels, if the file has them.
    """

    picture: str
    place: str
    animals: list[Animal]
    size_wh: tuple[float, float] | None = None


@dataclass
class NamedPoints:
    """The names of keypoints in a fixed order, and links: pairs of their numbers from 0."""

    names: tuple[str, ...]
    links: tuple[tuple[int, int], ...] = ()


@dataclass
class Content:
    """The content of a label file.

    Attributes:
        path: The label file.
        entries: Its pictures.
        declared: Category -> the names of its keypoints, if the file declares names and order.
    """

    path: Path
    entries: list[Entry]
    declared: Mapping[str | None, NamedPoints] = field(default_factory=dict)


def is_name(value: object) -> bool:
    """Whether the value is a text of one line, as the name of a keypoint or picture."""
    return isinstance(value, str) and value.splitlines() == [value] and bool(value.strip())


class LabelFormat(ABC):
    """Reads the files of one format.

    Args:
        path: The label file, for messages.
    """

    TITLE: str  # the name of the format in messages

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    @abstractmethod
    def recognises(cls, raw: Any) -> bool:
        """Whether the content of a file (see ``loading``) has this format."""

    @abstractmethod
    def read(self, raw: Any) -> Content:
        """Returns the content of the file.

        Raises:
            UserError: The file has a fault; the message is one sentence.
        """

    def wrong(self, place: str, what: str, hint: str = 'correct the file') -> UserError:
        """The error for a fault at a place of the file; the caller raises it."""
        place = f' ({place})' if place else ''
        return UserError(f'{self.path}{place} {what}: {hint}.')

    def checked_names(self, names: object, place: str) -> tuple[str, ...]:
        """Names of keypoints as a tuple; they must be different texts."""
        if not isinstance(names, list | tuple) or not all(map(is_name, names)):
            raise self.wrong(place, 'has names of keypoints that are not a list of texts')
        for name in names:
            if names.count(name) > 1:
                hint = 'give every keypoint its own name'
                raise self.wrong(place, f'names the keypoint {name} twice', hint)
        return tuple(names)
