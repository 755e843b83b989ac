"""Label Studio's json of tasks, and the configuration of its labelling interface."""

import colorsys
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from vitpose_plus.datasets.labels.model import LabelledPicture, Labels
from vitpose_plus.datasets.labels.writers.label_writer import (
    LabelWriter,
    named_points,
    rounded_box,
    write_json,
)
from vitpose_plus.datasets.labels.writing import file_name
from vitpose_plus.files import replacing

TASKS, CONFIG = 'tasks.json', 'label_config.xml'
LOCAL = '/data/local-files/?d='  # Label Studio serves files below its document root at this address
IMAGE, BOX, KEYPOINT = 'image', 'box', 'keypoint'  # names in the configuration
MODEL, DOT = 'vitpose_plus', 0.5  # DOT: the size of a point on the screen, in percent


class LabelStudioWriter(LabelWriter):
    """Tasks with predictions, and the labelling configuration for them.

    The parent of a point is the box of its instance. Label Studio has no hidden points: a hidden
    keypoint becomes a visible one. ``read_labels`` reads only annotations, which Label Studio makes
    when a person submits a task. So it does not read the predictions.
    """

    def write(self, labels: Labels, folder: Path, category: str) -> None:
        # The folder is named, because Label Studio serves only folders below its document root.
        root = folder.absolute().name
        tasks = [
            dict(
                data={IMAGE: LOCAL + quote(f'{root}/{file_name(picture.path, folder)}')},
                predictions=[
                    dict(model_version=MODEL, result=_regions(labels, picture, number, category))
                ],
            )
            for number, picture in enumerate(labels.pictures, 1)
        ]
        write_json(folder / TASKS, tasks)
        with replacing(folder / CONFIG) as part:
            part.write_text(_config(labels, category), encoding='utf-8')

    def advice(self, folder: Path) -> str:
        folder = folder.resolve()  # a link has another name
        return (
            'Start Label Studio with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and '
            f'LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={folder.parent}. Create a project with the '
            f'content of {CONFIG} as its labelling interface (Code). Add {folder} as source '
            f'storage (Local Files, saved without a sync). Import {TASKS}, and correct and submit '
            'all tasks. Export the project as "JSON". Give the exported file to new-dataset --add, '
            f'with --pictures {folder}.'
        )


def _regions(
    labels: Labels, picture: LabelledPicture, number: int, category: str
) -> list[dict[str, Any]]:
    """The boxes and points of a picture, in percent; their ids are unique among all tasks."""
    width, height = picture.size_wh
    regions = []
    for row, instance in enumerate(picture.instances, 1):
        parent = f'{number}-{row}'
        x, y, w, h = rounded_box(instance, picture.size_wh)
        value = dict(x=100 * x / width, y=100 * y / height, rotation=0)
        value |= dict(width=100 * w / width, height=100 * h / height)
        regions.append(_region(picture, BOX, 'rectanglelabels', category, parent, value))
        for order, (name, x, y) in enumerate(named_points(labels, instance), 1):
            value = dict(x=100 * x / width, y=100 * y / height, width=DOT)
            key = f'{parent}-{order}'
            region = _region(picture, KEYPOINT, 'keypointlabels', name, key, value)
            regions.append(region | dict(parentID=parent))
    return regions


def _region(
    picture: LabelledPicture, control: str, kind: str, label: str, key: str, value: dict[str, Any]
) -> dict[str, Any]:
    width, height = picture.size_wh
    return dict(
        id=key,
        type=kind,
        from_name=control,
        to_name=IMAGE,
        original_width=width,
        original_height=height,
        image_rotation=0,
        value={**value, kind: [label]},
    )


def _config(labels: Labels, category: str) -> str:
    """The configuration. Label Studio's exports in other formats need ``model_index``."""
    view = ElementTree.Element('View')
    ElementTree.SubElement(view, 'Image', name=IMAGE, value=f'${IMAGE}', zoom='true')
    boxes = ElementTree.SubElement(view, 'RectangleLabels', name=BOX, toName=IMAGE)
    ElementTree.SubElement(boxes, 'Label', value=category)
    points = ElementTree.SubElement(view, 'KeyPointLabels', name=KEYPOINT, toName=IMAGE)
    for index, name in enumerate(labels.names):
        colour = _colour(index / len(labels.names))
        keys = dict(value=name, background=colour, model_index=str(index))
        ElementTree.SubElement(points, 'Label', keys)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding='unicode') + '\n'


def _colour(hue: float) -> str:
    """The colour of a hue between 0 and 1, as #rrggbb."""
    return '#' + ''.join(f'{round(255 * part):02x}' for part in colorsys.hsv_to_rgb(hue, 0.8, 0.9))
