"""Writes labels as annotation files of COCO keypoints."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vitpose_plus.datasets.labels.boxes import BoxRule
from vitpose_plus.datasets.labels.model import LabelledInstance, LabelledPicture, Labels
from vitpose_plus.files import replacing

CATEGORY_ID = 1
DECIMALS = 3  # of a pixel


def write_coco(
    labels: Labels, rows: Sequence[int], path: Path, category: str, boxes: BoxRule, folder: Path
) -> None:
    """Writes some pictures of the labels as a COCO keypoint file.

    The ids of images and annotations are those in a file of all pictures, so different rows give
    different ids.

    Args:
        labels: All labels.
        rows: The rows of the pictures to write.
        path: The json file.
        category: The name of the category.
        boxes: Gives the boxes.
        folder: The folder of the pictures; ``file_name`` is the path below it.
    """
    starts = np.cumsum([1] + [len(picture.instances) for picture in labels.pictures]).tolist()
    images, annotations = [], []
    for row in sorted(rows):
        picture = labels.pictures[row]
        images.append(_image(picture, row + 1, folder))
        for number, instance in enumerate(picture.instances):
            box = boxes.box(instance, picture.size_wh)
            annotations.append(_annotation(instance, box, starts[row] + number, row + 1))
    content = dict(images=images, annotations=annotations, categories=[_category(labels, category)])
    with replacing(path) as part:
        part.write_text(json.dumps(content, ensure_ascii=False), encoding='utf-8')


def file_name(path: Path, folder: Path) -> str:
    """The name of a picture in an annotation file: its path seen from the folder of pictures."""
    return Path(os.path.relpath(path, folder)).as_posix()


def flat(points: np.ndarray) -> list[float | int]:
    """Keypoints (K, 3) as an annotation file has them: x1, y1, v1, x2, ..."""
    keypoints: list[float | int] = []
    for x, y, visibility in np.round(points, DECIMALS).tolist():
        keypoints += (x, y, int(visibility))
    return keypoints


def _image(picture: LabelledPicture, image_id: int, folder: Path) -> dict[str, Any]:
    width, height = picture.size_wh
    name = file_name(picture.path, folder)
    return dict(id=image_id, file_name=name, width=width, height=height)


def _annotation(
    instance: LabelledInstance, box: np.ndarray, annotation_id: int, image_id: int
) -> dict[str, Any]:
    """The area is that of the box; nothing is known about the outline."""
    box = np.round(box, DECIMALS).tolist()
    return dict(
        id=annotation_id,
        image_id=image_id,
        category_id=CATEGORY_ID,
        keypoints=flat(instance.points),
        num_keypoints=int(instance.labelled.sum()),
        bbox=box,
        area=round(box[2] * box[3], DECIMALS),
        iscrowd=0,
        segmentation=[],  # CVAT does not import files without this field
    )


def _category(labels: Labels, name: str) -> dict[str, Any]:
    skeleton = [[one + 1, other + 1] for one, other in labels.links]  # COCO counts from 1
    return dict(id=CATEGORY_ID, name=name, keypoints=list(labels.names), skeleton=skeleton)
