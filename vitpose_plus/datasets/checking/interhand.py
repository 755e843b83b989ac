"""InterHand2.6M's annotation file."""

import numpy as np

from vitpose_plus.datasets.checking.coco_style import CocoStyleFile
from vitpose_plus.datasets.checking.names import check_only_order
from vitpose_plus.datasets.interhand import HANDS

PLACES = ('capture', 'camera', 'frame_idx')  # keys of an image in the files of cameras and joints


class InterHandFile(CocoStyleFile):
    """A file of ``images`` with capture, camera and frame; ``annotations`` have joint_valid."""

    def _check_names(self, category: dict) -> None:
        check_only_order(self, category, self._known_names())

    def _check_images(self, images: list[tuple[str, dict]]) -> None:
        super()._check_images(images)
        for place, one in images:
            if not all(isinstance(one.get(field), int | str) for field in PLACES):
                self.wrong(f'has not all of {", ".join(PLACES)} as texts or integers', place)

    def _check_annotations(
        self, annotations: list[tuple[str, dict]], categories: set[int] | None
    ) -> None:
        taken, expected = set(), HANDS * self.num_keypoints
        for place, one in annotations:
            if not self.has_id(one, place, taken):
                continue
            title = f'annotation {one["id"]}'
            self._check_references({'category_id': 1, **one}, title, None)
            valid = _numbers(one.get('joint_valid'))
            if valid is None or not np.isin(valid, (0, 1)).all():
                self.wrong('has no joint_valid, or it is not a list of 0 and 1', title)
            elif valid.size != expected:
                number = valid.size / HANDS
                self.wrong(f'has {number:g} keypoints, not {self.num_keypoints}', title)


def _numbers(values: object) -> np.ndarray | None:
    """The numbers of a list, each alone or in a list of its own."""
    try:
        return np.array(values, np.float64) if isinstance(values, list) else None
    except (TypeError, ValueError, OverflowError):
        return None
