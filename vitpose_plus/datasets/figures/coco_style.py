"""Annotation files in COCO style: images, categories and annotations."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vitpose_plus.datasets.figures import animal, person
from vitpose_plus.datasets.figures.draw import Scene
from vitpose_plus.datasets.figures.figure import Figure

# The id of the first image of a split; that of image i follows from i alone.
FIRST_ID = {'train': 1, 'val': 500_001}
MIN_KEYPOINTS = 5  # of an annotation
PERSON_LIMBS = (
    *(
        (f'{side}_{first}', f'{side}_{second}')
        for first, second in (
            *(('shoulder', 'elbow'), ('elbow', 'wrist'), ('hip', 'knee'), ('knee', 'ankle')),
            *(('shoulder', 'hip'), ('eye', 'ear'), ('ear', 'shoulder')),
        )
        for side in person.SIDES
    ),
    *(('left_hip', 'right_hip'), ('left_shoulder', 'right_shoulder'), ('left_eye', 'right_eye')),
    *(('nose', 'left_eye'), ('nose', 'right_eye'), ('head_top', 'neck')),
    *(('neck', 'left_shoulder'), ('neck', 'right_shoulder')),
)
ANIMAL_LIMBS = (
    *(('L_Eye', 'R_Eye'), ('L_Eye', 'Nose'), ('R_Eye', 'Nose'), ('Nose', 'Neck')),
    ('Neck', 'Root of tail'),
    *(
        (first.format(side), f'{side}_{second}')
        for side in 'LR'
        for first, second in (
            *(('Neck', 'Shoulder'), ('{}_Shoulder', 'Elbow'), ('{}_Elbow', 'F_Paw')),
            *(('Root of tail', 'Hip'), ('{}_Hip', 'Knee'), ('{}_Knee', 'B_Paw')),
        )
    ),
)


def person_categories(names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The category of people, with the keypoints ``names``."""
    return [_category(1, 'person', 'person', names, PERSON_LIMBS)]


def animal_categories() -> list[dict[str, Any]]:
    """The categories of animals, as AP-10K numbers them."""
    return [
        _category(species.number, name, species.family, animal.KEYPOINTS, ANIMAL_LIMBS)
        for name, species in animal.SPECIES.items()
    ]


def _category(
    number: int, name: str, family: str, names: tuple[str, ...], limbs: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    """A category, with those limbs in its skeleton whose ends are in ``names``."""
    skeleton = [
        [names.index(first) + 1, names.index(second) + 1]
        for first, second in limbs
        if first in names and second in names
    ]
    keys = {'id': number, 'name': name, 'supercategory': family}
    return keys | {'keypoints': list(names), 'skeleton': skeleton}


def rounded(values: np.ndarray) -> list:
    """Nested lists of floats with two decimals."""
    return np.round(values, 2).tolist()


def triplets(marks: np.ndarray) -> list[float | int]:
    """Marks (K, 3) as a flat list of x, y, v; v is an integer."""
    flat: list[float | int] = []
    for x, y, v in rounded(marks):
        flat += (x, y, int(v))
    return flat


def clipped_box(figure: Figure, scene: Scene) -> np.ndarray:
    """The box x, y, w, h (4,), in pixels, of what lies of a figure within the image."""
    box = np.round(np.clip(figure.box, 0, np.tile(np.array(scene.size) - 1, 2)), 2)
    return np.concatenate([box[:2], box[2:] - box[:2]])


def write_image(path: Path, image: np.ndarray) -> None:
    """Writes a BGR image (H, W, 3) as JPEG.

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
        folder: The folder of images, to which file names are relative.
        split: 'train' or 'val'.
        names: The keypoints in order.
        categories: As they stand in the file.
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
        """Writes an image, and returns its annotations, each with its figure.

        Args:
            index: Of the image in its split.
            scene: The image and its figures.
            file_name: The name of the image; by default its id.
            keys: Further keys of the image and its annotations.
        """
        number = FIRST_ID[self.split] + index
        file_name = file_name or f'{number:012d}.jpg'
        width, height = scene.size
        write_image(self.folder / file_name, scene.image)
        image = {'id': number, 'file_name': file_name, 'width': width, 'height': height}
        self.images.append(image | keys)
        kept = []
        for i, figure in enumerate(scene.figures):
            marks = figure.labelled(self.names)
            if np.count_nonzero(marks[:, 2]) >= MIN_KEYPOINTS:
                annotation = self._annotate(number * 10 + i, number, scene, figure) | keys
                kept.append((annotation, figure))
        self.annotations += [annotation for annotation, _ in kept]
        return kept

    def _annotate(self, number: int, image: int, scene: Scene, figure: Figure) -> dict[str, Any]:
        """The annotation of a figure, with the ids of itself and of its image."""
        marks, box = figure.labelled(self.names), clipped_box(figure, scene)
        return {
            'id': number,
            'image_id': image,
            'category_id': self.numbers[figure.category],
            'bbox': rounded(box),
            'area': round(0.53 * float(box[2] * box[3]), 2),
            'keypoints': triplets(marks),
            'num_keypoints': int(np.count_nonzero(marks[:, 2])),
            'iscrowd': 0,
            'segmentation': [],
        }

    def dump_several(self, path: Path) -> None:
        """Writes a file of the images with two or more figures only."""
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
        """Writes the file, with other annotations and images if they are given."""
        content = {
            'info': {'description': f'drawn figures in the format of {self.description}'},
            'licenses': [],
            'images': self.images if images is None else images,
            'categories': self.categories,
            'annotations': self.annotations if annotations is None else annotations,
        }
        write_json(path, content)
