"""labelme's json: one file beside each picture."""

from pathlib import Path
from typing import Any

from vitpose_plus.datasets.labels.model import LabelledPicture, Labels
from vitpose_plus.datasets.labels.writers.label_writer import (
    LabelWriter,
    named_points,
    rounded_box,
    write_json,
)
from vitpose_plus.errors import UserError

VERSION = '5.4.1'  # labelme warns about files of another main version; it reads all of them


class LabelmeWriter(LabelWriter):
    """A rectangle and points for every instance; all have its number as ``group_id``.

    labelme has no hidden points: a hidden keypoint becomes a visible one.
    """

    def write(self, labels: Labels, folder: Path, category: str) -> None:
        pictures: dict[Path, LabelledPicture] = {}
        for picture in labels.pictures:
            other = pictures.setdefault(picture.path.with_suffix('.json'), picture)
            if other is not picture:
                raise UserError(
                    f'{other.path} and {picture.path} have the same name without their endings, '
                    'so labelme would read the labels of both from one file: rename one of them.'
                )
        contents = {path: _content(labels, one, category) for path, one in pictures.items()}
        for path, content in contents.items():
            write_json(path, content)

    def advice(self, folder: Path) -> str:
        return (
            f'Open {folder} in labelme ("Open Dir"). Correct and save the labels of every picture. '
            f'Give {folder} to new-dataset --add.'
        )


def _content(labels: Labels, picture: LabelledPicture, category: str) -> dict[str, Any]:
    shapes = []
    for group, instance in enumerate(picture.instances, 1):
        x, y, width, height = rounded_box(instance, picture.size_wh)
        corners = [[x, y], [x + width, y + height]]
        shapes.append(_shape(category, corners, group, 'rectangle'))
        for name, x, y in named_points(labels, instance):
            shapes.append(_shape(name, [[x, y]], group, 'point'))
    width, height = picture.size_wh
    return dict(
        version=VERSION,
        flags={},
        shapes=shapes,
        imagePath=picture.path.name,
        imageData=None,
        imageHeight=height,
        imageWidth=width,
    )


def _shape(label: str, points: list[list[float]], group: int, kind: str) -> dict[str, Any]:
    place = dict(label=label, points=points, group_id=group, shape_type=kind)
    return place | dict(description='', flags={}, mask=None)
