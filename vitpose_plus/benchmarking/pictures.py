"""Pictures with true boxes, for the time from a folder of pictures to keypoints."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mmpose.structures.bbox import bbox_xyxy2xywh

from vitpose_plus.datasets.figures.coco_style import write_image
from vitpose_plus.datasets.figures.generate import PEOPLE

WH = (640, 480)  # pixels
BOXES = 3  # people in a picture
BOX_WH = (150, 300)  # the size of a box on average, in pixels


@dataclass(frozen=True)
class Pictures:
    """A folder of pictures, and the boxes of their people.

    Attributes:
        folder: The folder, with nothing but pictures.
        boxes: File -> x1, y1, x2, y2 (3, 4) in pixels, in the order of the names.
        file: The boxes as a file for ``predict --boxes``.
    """

    folder: Path
    boxes: dict[Path, np.ndarray]
    file: Path

    @property
    def people(self) -> int:
        """The number of people in all pictures."""
        return sum(map(len, self.boxes.values()))


def write_pictures(folder: Path, count: int) -> Pictures:
    """Writes JPEG pictures of 640x480 pixels, each with three boxes.

    The pictures are synthetic figures side by side. The boxes do not fit their figures: the time
    does not depend on it.
    """
    rng = np.random.default_rng(0)
    pictures = folder / 'pictures'
    boxes = {}
    for number in range(count):
        path = pictures / f'{number:06d}.jpg'
        write_image(path, _picture(rng))
        boxes[path] = _boxes(rng)
    file = folder / 'boxes.json'
    file.write_text(json.dumps(_coco(boxes)))
    return Pictures(pictures, boxes, file)


def _picture(rng: np.random.Generator) -> np.ndarray:
    """Four scenes of figures in two rows, cut to the size of the picture: (480, 640, 3), BGR."""
    scenes = [PEOPLE(rng).image for _ in range(4)]
    height, width = WH[1] // 2, WH[0] // 2
    cut = [scene[:height, :width] for scene in scenes]  # every scene is at least this large
    return np.vstack([np.hstack(cut[:2]), np.hstack(cut[2:])])


def _boxes(rng: np.random.Generator) -> np.ndarray:
    size = np.array(BOX_WH) * rng.uniform(0.7, 1.3, (BOXES, 1))
    corner = rng.uniform(0, 1, (BOXES, 2)) * (np.array(WH) - size)
    return np.round(np.hstack([corner, corner + size]), 2).astype(np.float32)


def _coco(boxes: dict[Path, np.ndarray]) -> dict:
    """Annotations in COCO's format."""
    images = [
        dict(id=i, file_name=path.name, width=WH[0], height=WH[1]) for i, path in enumerate(boxes)
    ]
    annotations = [
        dict(image_id=i, category_id=1, bbox=box, area=box[2] * box[3], iscrowd=0)
        for i, each in enumerate(boxes.values())
        for box in bbox_xyxy2xywh(each).tolist()
    ]
    for number, annotation in enumerate(annotations):
        annotation['id'] = number
    categories = [dict(id=1, name='person')]
    return dict(images=images, annotations=annotations, categories=categories)
