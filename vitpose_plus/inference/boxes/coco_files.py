"""Boxes in COCO's JSON: a list of detections, or the true boxes of an annotation file."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
from mmpose.datasets.datasets import CocoDataset
from mmpose.structures.bbox import bbox_xywh2xyxy

from vitpose_plus.datasets.checking.boxes import BoxesFile, check_detections
from vitpose_plus.datasets.checking.findings import Findings, by
from vitpose_plus.datasets.checking.needs import Needs
from vitpose_plus.errors import UserError
from vitpose_plus.inference.boxes.given import GivenBoxes
from vitpose_plus.inference.boxes.matching import Names, Numbers
from vitpose_plus.inference.boxes.source import Boxes
from vitpose_plus.inference.sources.picture import Picture

LABELLED = (1, 1, 2)  # a labelled keypoint; mmpose leaves out annotations without one


class Annotations:
    """The pictures, categories and annotations of a file, which is checked first.

    Args:
        path: The path of the file.
        content: The content of the file. Its annotations may be empty if only its pictures are
            needed.
    """

    def __init__(self, path: str | Path, content: Any) -> None:
        self.path, found = str(path), Findings()
        self._dataset = CocoDataset(ann_file=self.path, lazy_init=True)
        file = BoxesFile(self._dataset, Needs(), found)
        file.check(content)
        found.raise_first()
        self.pictures = file.pictures
        self.images = {image['id']: image for image in content['images']}
        self.categories = {
            category['id']: str(category.get('name', f'category {category["id"]}'))
            for category in content.get('categories', [])
        }
        self._annotations: dict[int, list[dict]] = {number: [] for number in self.images}
        for annotation in content['annotations']:
            self._annotations[annotation['image_id']].append(annotation)

    def names(self) -> Names:
        """Returns an index that finds the id of a picture by its name."""
        ids: dict[str, int] = {}
        for number, picture in self.pictures.items():
            other = ids.setdefault(picture.file_name, number)
            if other != number:
                raise UserError(
                    f'{self.path} has two images with the name {picture.file_name} (ids {other} '
                    f'and {number}): give each image its own name, with its folder.'
                )
        return Names(self.path, ids)

    def label(self, category: int) -> str | None:
        """Returns the category's name; None if the file has no categories."""
        if not self.categories:
            return None
        return self.categories.get(category, f'category {category}')

    def check_size(self, number: int, picture: Picture, wh: tuple[int, int]) -> None:
        """Raises a ``UserError`` if the picture does not have the size in the file."""
        size = self.pictures[number].size
        if tuple(size) != wh:
            raise UserError(
                f'{self.path} has boxes for {picture.source} with {by(size)} pixels, but the '
                f'picture has {by(wh)}: give the picture with {by(size)} pixels, or boxes for this '
                'picture.'
            )

    def infos(self, number: int) -> list[dict[str, Any]]:
        """Returns the infos that mmpose's dataset makes from a picture's annotations in a test."""
        image = {**self.images[number], 'img_path': self.images[number]['file_name']}
        annotations = [_completed(one) for one in self._annotations[number]]
        infos = [
            self._dataset.parse_data_info(dict(raw_ann_info=one, raw_img_info=image))
            for one in annotations
        ]
        return self._dataset._get_topdown_data_infos([info for info in infos if info])


def _completed(annotation: dict) -> dict:
    """Adds fields that mmpose needs, but a file of boxes may not have: labelled keypoints, and the
    category."""
    annotation = dict(category_id=1) | annotation
    if annotation.get('keypoints'):
        return annotation
    return annotation | dict(keypoints=list(LABELLED), num_keypoints=1)


class AnnotatedBoxes(GivenBoxes):
    """The true boxes, the same (and clipped in the same way) as in a test with the file.

    Crowd regions are left out. Annotations that have keypoints, but no labelled keypoint, are left
    out, too.
    """

    def __init__(self, path: str | Path, content: Any) -> None:
        self._file = Annotations(path, content)
        super().__init__(str(path), self._file.names(), self._file.categories.values())

    def entry(self, key: Hashable, picture: Picture, wh: tuple[int, int]) -> Boxes:
        self._file.check_size(key, picture, wh)
        infos = self._file.infos(key)
        numbers = [int(info['category_id']) for info in infos]
        return Boxes(
            xyxy=np.concatenate([np.empty((0, 4), np.float32), *(one['bbox'] for one in infos)]),
            scores=np.ones(len(infos), np.float32),
            labels=[self._file.label(number) for number in numbers],
            category_ids=numbers,
            image_id=key,
        )


class DetectedBoxes(GivenBoxes):
    """A list of ``image_id``, ``category_id``, ``bbox`` (x, y, width, height) and ``score``.

    Args:
        path: The path of the file.
        content: The content of the file.
        annotations: The file with the names of the pictures and categories; None: the id of a
            picture is the number in its name.
    """

    def __init__(self, path: str | Path, content: Any, annotations: Annotations | None) -> None:
        self._file, found = annotations, Findings()
        pictures = annotations and annotations.pictures
        detections = check_detections(content, str(path), pictures, found)
        found.raise_first()
        self._detections: dict[int, list[dict]] = {}
        for one in detections:
            self._detections.setdefault(one['image_id'], []).append(one)
        index = annotations.names() if annotations else Numbers(str(path), self._detections)
        labels = dict.fromkeys(self._label(one['category_id']) for one in detections)
        super().__init__(str(path), index, [label for label in labels if label is not None])

    def _label(self, category: int) -> str | None:
        return self._file and self._file.label(category)

    def entry(self, key: Hashable, picture: Picture, wh: tuple[int, int]) -> Boxes:
        if self._file:
            self._file.check_size(key, picture, wh)
        detections = self._detections.get(key, [])
        numbers = [one['category_id'] for one in detections]
        xywh = np.array([one['bbox'] for one in detections], np.float32).reshape(-1, 4)
        return Boxes(
            xyxy=bbox_xywh2xyxy(xywh),
            scores=np.array([one['score'] for one in detections], np.float32),
            labels=[self._label(number) for number in numbers],
            category_ids=numbers,
            image_id=key,
        )
