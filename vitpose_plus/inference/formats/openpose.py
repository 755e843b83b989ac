"""``openpose/``: one JSON file a picture, as OpenPose writes them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitpose_plus.files import new_folder
from vitpose_plus.inference.formats.format import Format, Predictions
from vitpose_plus.inference.formats.places import Places, free
from vitpose_plus.inference.formats.text import as_json, open_text

NAME = 'openpose'
# Fields that readers expect and that stay empty.
EMPTY = ('face_keypoints_2d', 'hand_left_keypoints_2d', 'hand_right_keypoints_2d')
EMPTY += ('pose_keypoints_3d', 'face_keypoints_3d')
EMPTY += ('hand_left_keypoints_3d', 'hand_right_keypoints_3d')


class OpenPoseFormat(Format):
    """A folder for every dataset, and in it a file for every picture.

    ``openpose/DATASET/FOLDERS/STEM_keypoints.json`` for a picture and
    ``openpose/DATASET/FOLDERS/FILM_json/STEM_000000000012_keypoints.json`` for a frame: Pose2Sim
    reads the folders of films whose names end in ``_json``, and takes the last number in a file's
    name for the frame's. Folders are those of the sources below the one that they have in common.
    All keypoints are in ``pose_keypoints_2d`` in the dataset's order, as Pose2Sim reads them (its
    ``COCO_17`` and ``COCO_133``) and writes them itself.
    """

    def names(self) -> tuple[str, ...]:
        return (NAME,)

    def write(self, predictions: Predictions, folder: Path) -> None:
        places = Places(line['source'] for line in predictions.lines)
        with new_folder(folder / NAME) as new:
            for dataset in predictions.skeletons:
                files = _Files(new / dataset, places)
                for line in predictions.lines:
                    with open_text(files.of(line)) as file:
                        file.write(as_json(_content(line, dataset)))


class _Files:
    """New files below a folder, of no two lines the same."""

    def __init__(self, folder: Path, places: Places) -> None:
        self.folder, self.places = folder, places
        self.films: dict[str, Path] = {}  # source -> the folder of its frames

    def of(self, line: Mapping[str, Any]) -> Path:
        place, frame = self.places.of(line['source']), line['frame']
        number = '' if frame is None else f'_{frame:012d}'
        folder = self.folder / place.parent if frame is None else self._of_film(line['source'])
        folder.mkdir(parents=True, exist_ok=True)
        return free(lambda again: folder / f'{place.stem}{again}{number}_keypoints.json')

    def _of_film(self, source: str) -> Path:
        if source not in self.films:
            film = self.folder / self.places.of(source)
            self.films[source] = free(lambda again: film.with_name(f'{film.name}{again}_json'))
        return self.films[source]


def _content(line: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    people = [one for one in line['instances'] if one['dataset'] == dataset]
    return dict(version=1.3, people=[_person(person) for person in people])


def _person(person: Mapping[str, Any]) -> dict[str, Any]:
    number = -1 if person['id'] is None else person['id']
    points = [value for point in person['keypoints'] for value in point]
    return dict(person_id=[number], pose_keypoints_2d=points, **{name: [] for name in EMPTY})
