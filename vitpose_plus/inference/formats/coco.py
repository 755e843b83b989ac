"""``predictions.coco.json`` and ``annotations.coco.json``: results and labels in COCO's format."""

from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from vitpose_plus.files import replacing
from vitpose_plus.inference.formats.coco_results import results_of
from vitpose_plus.inference.formats.format import Format, Predictions
from vitpose_plus.inference.formats.text import as_json, open_text, write_list
from vitpose_plus.version import __version__

RESULTS, ANNOTATIONS = 'predictions.coco.json', 'annotations.coco.json'

Line = Mapping[str, Any]


class CocoFormat(Format):
    """Writes the list of results that COCO's evaluation reads, and a file of annotations.

    The results are the same as those of mmpose's metric. For a top-down model they are rescored,
    and duplicates are suppressed. The annotations are the instances with a keypoint above
    ``score``; keypoints with a lower score count as not labelled. CVAT and Label Studio can import
    the annotations, and mmpose's datasets can read them.
    """

    @classmethod
    def names(cls) -> tuple[str, ...]:
        return RESULTS, ANNOTATIONS

    def write(self, predictions: Predictions, folder: Path) -> None:
        content = _Content(predictions)
        with replacing(folder / RESULTS) as new, open_text(new) as file:
            write_list(file, content.results())
        with replacing(folder / ANNOTATIONS) as new, open_text(new) as file:
            file.write(f'{{"info": {as_json(content.info())},\n"licenses": []')
            for name, values in content.lists().items():
                file.write(f',\n"{name}": ')
                write_list(file, values)
            file.write('}\n')


class _Content:
    """Yields the elements of COCO's lists one by one."""

    def __init__(self, predictions: Predictions) -> None:
        self.lines, self.score = predictions.lines, predictions.score
        self.skeletons = predictions.skeletons
        self.kinds = {name: results_of(skeleton) for name, skeleton in self.skeletons.items()}
        self.category_ids = {name: number for number, name in enumerate(self.skeletons, 1)}
        self.datasets = {number: name for name, number in self.category_ids.items()}
        self.largest_id = 0
        for line in self.lines:
            self.largest_id = max(self.largest_id, line.get('image_id') or 0)
            self.datasets |= {self._category_id(one): one['dataset'] for one in line['instances']}

    def lists(self) -> dict[str, Iterator[dict[str, Any]]]:
        """Returns the lists of the annotation file."""
        annotations = self._annotations()
        return dict(images=self._images(), categories=self._categories(), annotations=annotations)

    def _numbered(self) -> Iterator[tuple[int, Line]]:
        """Yields the lines with image ids; lines without an id get numbers after the largest id."""
        numbers = count(self.largest_id + 1)
        for line in self.lines:
            given = line.get('image_id')
            yield next(numbers) if given is None else given, line

    def _category_id(self, instance: Line) -> int:
        given = instance.get('category_id')
        return self.category_ids[instance['dataset']] if given is None else given

    def results(self) -> Iterator[dict[str, Any]]:
        for image_id, line in self._numbered():
            for dataset, kind in self.kinds.items():
                own = [one for one in line['instances'] if one['dataset'] == dataset]
                if not own:
                    continue
                points = np.array([one['keypoints'] for one in own], np.float64)
                boxes = np.array([one['box'] for one in own], np.float64)
                rows, scores = kind.kept(points, boxes, np.array([one['box_score'] for one in own]))
                for row in rows:
                    yield dict(
                        image_id=image_id,
                        category_id=self._category_id(own[row]),
                        **kind.result(points[row], boxes[row]),
                        score=float(scores[row]),
                    )

    def info(self) -> dict[str, Any]:
        what = f'Predictions with keypoints above {self.score:g}, to be reviewed'
        return dict(description=f'{what}; written by vitpose_plus {__version__}.')

    def _images(self) -> Iterator[dict[str, Any]]:
        for image_id, line in self._numbered():
            size = dict(width=line['width'], height=line['height'])
            yield dict(id=image_id, file_name=_file_name(line), **size)

    def _categories(self) -> Iterator[dict[str, Any]]:
        """Yields the categories of every dataset, and of the file of boxes."""
        for number, dataset in sorted(self.datasets.items()):
            is_own = number == self.category_ids[dataset]
            kept = self.kinds[dataset].number
            links = [link for link in self.skeletons[dataset].links if max(link) < kept]
            yield dict(
                id=number,
                name=dataset if is_own else f'{dataset}_{number}',
                keypoints=self.skeletons[dataset].names[:kept],
                skeleton=[(a + 1, b + 1) for a, b in links],
            )

    def _annotations(self) -> Iterator[dict[str, Any]]:
        numbers = count(1)
        for image_id, line in self._numbered():
            for instance in line['instances']:
                points = np.array(instance['keypoints'], np.float64)
                seen = points[:, 2] > self.score
                box = _box_within(instance['box'], line)
                w, h = box[2:]
                if not seen.any() or min(w, h) <= 0:
                    continue
                labels = points.astype(object)  # visibilities are integers
                labels[:, 2] = 2
                labels[~seen] = 0
                yield dict(
                    id=next(numbers),
                    image_id=image_id,
                    category_id=self._category_id(instance),
                    bbox=box,
                    area=w * h,
                    segmentation=[],  # mmpose's whole-body dataset needs this field
                    iscrowd=0,
                    num_keypoints=int(seen.sum()),
                    **self.kinds[instance['dataset']].keypoints(labels),
                )


def _box_within(box: list[float], line: Line) -> list[float]:
    """Clips a box x1, y1, x2, y2 to its picture and returns x, y, width, height."""
    wh = np.array([line['width'], line['height']])
    low, high = np.clip(box[:2], 0, wh), np.clip(box[2:], 0, wh)
    return np.round([*low, *(high - low)], 4).tolist()


def _file_name(line: Line) -> str:
    """The name of a picture; frames have the same names as in CVAT."""
    if line['frame'] is None:
        return line['source']
    return str(PurePosixPath(line['source']) / f'frame_{line["frame"]:06d}.png')
