"""Annotation files in COCO style: images, categories and annotations."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vitpose_plus.datasets.figures.animal import SPECIES
from vitpose_plus.datasets.figures.categories import BOX_CATEGORIES, box_categories
from vitpose_plus.datasets.figures.draw import Scene
from vitpose_plus.datasets.figures.figure import Figure

# The id of the first image of a split; the id of image i is larger by i.
FIRST_ID = {'train': 1, 'val': 500_001}
MIN_KEYPOINTS = 5  # figures with fewer get no annotation


def image_name(split: str, index: int) -> str:
    """The file name of a picture, made of its id."""
    return f'{FIRST_ID[split] + index:012d}.jpg'


def rounded(values: np.ndarray) -> list:
    """Nested lists of floats with two decimals."""
    return np.round(values, 2).tolist()


def triplets(keypoints: np.ndarray) -> list[float | int]:
    """Keypoints (K, 3) as a flat list of x, y, v, with integers v."""
    flat: list[float | int] = []
    for x, y, v in rounded(keypoints):
        flat += (x, y, int(v))
    return flat


def clipped_box(figure: Figure, scene: Scene) -> np.ndarray:
    """The box x, y, w, h (4,), in pixels, of the part of a figure that is in the picture."""
    box = np.round(np.clip(figure.box, 0, np.tile(np.array(scene.size) - 1, 2)), 2)
    return np.concatenate([box[:2], box[2:] - box[:2]])


def write_image(path: Path, image: np.ndarray) -> None:
    """Writes a BGR picture (H, W, 3) as JPEG.

    Raises:
        OSError: OpenCV could not write it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 92]):
        raise OSError(f'cannot write {path}')


def write_json(path: Path, content: Any) -> None:
    """Writes JSON without spaces."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, separators=(',', ':')))


class CocoFile:
    """The images and figures of an annotation file in COCO style.

    Args:
        description: The dataset's name.
        folder: The folder of pictures, to which file names are relative.
        split: 'train' or 'val'.
        names: The keypoints in order.
        categories: The categories in the file.
    """

    def __init__(
        self,
        description: str,
        folder: Path,
        split: str,
        names: tuple[str, ...],
        categories: list[dict[str, Any]],
    ) -> None:
        self.description = description
        self.folder = folder
        self.split = split
        self.names = names
        self.categories = categories
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.numbers = {category['name']: category['id'] for category in categories}

    def add(
        self, index: int, scene: Scene, file_name: str | None = None, **keys: Any
    ) -> list[tuple[dict[str, Any], Figure]]:
        """Writes a picture, and adds its entries with ``enter``."""
        file_name = file_name or image_name(self.split, index)
        write_image(self.folder / file_name, scene.image)
        return self.enter(index, scene, file_name, **keys)

    def enter(
        self, index: int, scene: Scene, file_name: str | None = None, **keys: Any
    ) -> list[tuple[dict[str, Any], Figure]]:
        """Adds a picture that is already written; returns its annotations, each with its figure.

        Args:
            index: The index of the picture in its split.
            scene: The picture and its figures; figures of other categories are left out.
            file_name: The file name of the picture; by default it is made of the id.
            keys: More fields for the picture and its annotations.
        """
        number = FIRST_ID[self.split] + index
        file_name = file_name or image_name(self.split, index)
        width, height = scene.size
        image = {'id': number, 'file_name': file_name, 'width': width, 'height': height}
        self.images.append(image | keys)
        kept = [
            (self._annotate(number * 10 + i, number, scene, figure) | keys, figure)
            for i, figure in enumerate(scene.figures)
            if figure.category in self.numbers and self._has_enough_keypoints(figure)
        ]
        self.annotations += [annotation for annotation, _ in kept]
        return kept

    def _has_enough_keypoints(self, figure: Figure) -> bool:
        keypoints = figure.labelled(self.names)
        return np.count_nonzero(keypoints[:, 2]) >= MIN_KEYPOINTS

    def _annotate(self, number: int, image: int, scene: Scene, figure: Figure) -> dict[str, Any]:
        """The annotation of a figure, from its own id and that of its picture."""
        box = clipped_box(figure, scene)
        return {
            'id': number,
            'image_id': image,
            'category_id': self.numbers[figure.category],
            'bbox': rounded(box),
            'area': round(0.53 * float(box[2] * box[3]), 2),
            **self._keypoints(figure),
            'iscrowd': 0,
            'segmentation': [],
        }

    def _keypoints(self, figure: Figure) -> dict[str, Any]:
        keypoints = figure.labelled(self.names)
        return {
            'keypoints': triplets(keypoints),
            'num_keypoints': int(np.count_nonzero(keypoints[:, 2])),
        }

    def dump_several(self, path: Path) -> None:
        """Writes a file with only the pictures that have two or more figures."""
        count = Counter(annotation['image_id'] for annotation in self.annotations)
        several = {image for image, number in count.items() if number > 1}
        images = [image for image in self.images if image['id'] in several]
        self.dump(path, [a for a in self.annotations if a['image_id'] in several], images)

    def dump(
        self,
        path: Path,
        annotations: list[dict[str, Any]] | None = None,
        images: list[dict[str, Any]] | None = None,
    ) -> None:
        """Writes the file; given annotations and images replace its own."""
        content = {
            'info': {'description': f'synthetic figures in the format of {self.description}'},
            'licenses': [],
            'images': self.images if images is None else images,
            'categories': self.categories,
            'annotations': self.annotations if annotations is None else annotations,
        }
        write_json(path, content)


class BoxFile(CocoFile):
    """The boxes of all people and animals, in the two categories of detectors."""

    def __init__(self, description: str, folder: Path, split: str) -> None:
        super().__init__(description, folder, split, (), box_categories())
        self.numbers |= dict.fromkeys(SPECIES, BOX_CATEGORIES['animal'])

    def _has_enough_keypoints(self, figure: Figure) -> bool:
        return True

    def _keypoints(self, figure: Figure) -> dict[str, Any]:
        return {}
