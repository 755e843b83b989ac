"""The true values of a synthetic film as JSON in COCO's form."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, TextIO

import numpy as np

from vitpose_plus.datasets.figures.categories import BOX_CATEGORIES, film_categories
from vitpose_plus.datasets.figures.coco_style import rounded, triplets
from vitpose_plus.datasets.figures.films import Frame
from vitpose_plus.datasets.figures.tracked import Tracked


class Truth:
    """Collects the entries of frames in temporary files, so that the memory is constant.

    Args:
        images, annotations: Text files to which the entries are appended.
    """

    def __init__(self, images: TextIO, annotations: TextIO) -> None:
        self.images = images
        self.annotations = annotations
        self.count = 0  # of annotations

    def add(self, frame: Frame) -> None:
        """Adds the picture of a frame, and its figures."""
        height, width = frame.image.shape[:2]
        moment = {'frame': frame.number, 'time': frame.time}
        image = {
            'id': frame.number + 1,
            'file_name': f'frame_{frame.number:06d}.png',
            'width': width,
            'height': height,
            **moment,
        }
        _append(self.images, image)
        for tracked in frame.figures:
            self.count += 1
            entry = {'id': self.count, 'image_id': image['id']}
            _append(self.annotations, entry | _annotation(tracked) | moment)


@contextmanager
def writing_truth(path: Path, info: dict[str, Any]) -> Iterator[Truth]:
    """Gives an empty ``Truth``, and writes it to a file if no error is raised.

    Args:
        path: The JSON file.
        info: The content of the field ``info``.
    """
    with (
        TemporaryFile('w+', dir=path.parent) as images,
        TemporaryFile('w+', dir=path.parent) as annotations,
    ):
        yield Truth(images, annotations)
        start = {'info': info, 'licenses': [], 'categories': film_categories()}
        with path.open('w', encoding='utf-8') as file:
            file.write(_compact(start)[:-1])
            for name, entries in (('images', images), ('annotations', annotations)):
                file.write(f',"{name}":[')
                entries.seek(0)
                copyfileobj(entries, file)
                file.write(']')
            file.write('}\n')


def _annotation(tracked: Tracked) -> dict[str, Any]:
    """The fields of a figure."""
    keypoints, box = tracked.keypoints, tracked.box
    return {
        'category_id': BOX_CATEGORIES[tracked.kind.name],
        'track_id': tracked.track_id,
        'bbox': rounded(box),
        'area': round(0.53 * float(box[2] * box[3]), 2),  # as in the other sets
        'keypoints': triplets(keypoints),
        'num_keypoints': int(np.count_nonzero(keypoints[:, 2])),
        'visible': round(tracked.visible, 4),
        'iscrowd': 0,
        'segmentation': [],
    }


def _append(file: TextIO, entry: dict[str, Any]) -> None:
    """Appends an entry to a list without brackets."""
    file.write((',\n' if file.tell() else '\n') + _compact(entry))


def _compact(content: dict[str, Any]) -> str:
    return json.dumps(content, separators=(',', ':'))
