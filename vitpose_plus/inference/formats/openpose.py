"""``openpose/``: one JSON file for each picture, in OpenPose's format."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitpose_plus.files import new_folder
from vitpose_plus.inference.formats.format import Format, Predictions
from vitpose_plus.inference.formats.places import Places, free
from vitpose_plus.inference.formats.text import as_json, open_text

NAME = 'openpose'
# Fields that other programs expect; they stay empty.
EMPTY = ('face_keypoints_2d', 'hand_left_keypoints_2d', 'hand_right_keypoints_2d')
EMPTY += ('pose_keypoints_3d', 'face_keypoints_3d')
EMPTY += ('hand_left_keypoints_3d', 'hand_right_keypoints_3d')


class OpenPoseFormat(Format):
    """Writes a folder for every dataset, with a file for every picture.

    A picture's file is ``openpose/DATASET/FOLDERS/STEM_keypoints.json``. A frame's file is
    ``openpose/DATASET/FOLDERS/FILM_json/STEM_000000000012_keypoints.json``. Pose2Sim reads such
    names: the names of its folders end in ``_json``, and the last number in a file's name is the
    number of the frame. ``FOLDERS`` are the folders of the source below the common folder of all
    sources. All keypoints are in ``pose_keypoints_2d`` in the dataset's order, as in Pose2Sim (its
    ``COCO_17`` and ``COCO_133``).
    """

    @classmethod
    def names(cls) -> tuple[str, ...]:
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
    """Finds the path of a new file for each line, below a folder."""

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
