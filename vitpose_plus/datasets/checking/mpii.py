"""MPII's annotation file: a list of people."""

import numpy as np

from vitpose_plus.datasets.checking.annotation_file import (
    AnnotationFile,
    Picture,
    are_numbers,
    as_array,
    is_number,
)
from vitpose_plus.datasets.checking.findings import shortened

SCALE = 200  # pixels


class MpiiFile(AnnotationFile):
    """A list of people with ``image``, ``center``, ``scale``, ``joints`` and ``joints_vis``."""

    def check(self, content: object) -> None:
        people = self.dicts(content, 'entries')
        self.num_annotations = len(people)
        named = [(place.replace('entries[', 'entry ').rstrip(']'), one) for place, one in people]
        fine = [(title, one) for title, one in named if self._is_person(one, title)]
        if not fine:
            return
        titles = [title for title, _ in fine]
        unknown = np.full((len(fine), 2), np.nan)
        lengths = as_array([[one['scale']] * 2 for _, one in fine], 2) * SCALE
        corners = as_array([one['center'] for _, one in fine], 2) - lengths / 2
        self.check_boxes(np.concatenate([corners, lengths], 1), titles, unknown)
        rows = [np.ravel(one['joints']).tolist() for _, one in fine]
        joints = as_array(rows, 2 * self.num_keypoints).reshape(len(fine), -1, 2)
        visible = as_array([one['joints_vis'] for _, one in fine], self.num_keypoints)
        self.check_keypoints(np.concatenate([joints, visible[..., None]], 2), titles, unknown)

    def _is_person(self, one: dict, title: str) -> bool:
        """Whether a person has all fields in the right form."""
        image = one.get('image')
        # mmpose uses the number as the id of the image.
        if not isinstance(image, str) or not image.split('.')[0].isdecimal():
            self.wrong('has no image that is a number with an extension', f'{title} ({image!r})')
            return False
        self.pictures[image] = Picture(image, None)
        self.used.add(image)
        for field, is_right, what in (
            ('center', lambda v: are_numbers(v, 2), 'two numbers'),
            ('scale', is_number, 'a number'),
            ('joints', _are_points, 'a list of x and y'),
            ('joints_vis', are_numbers, 'a list of numbers'),
        ):
            if not is_right(one.get(field)):
                value = shortened(one.get(field))
                self.wrong(f'has no {field} that is {what}', f'{title} ({value})')
                return False
        for field in ('joints', 'joints_vis'):
            if len(one[field]) != self.num_keypoints:
                self.wrong(f'has {len(one[field])} keypoints, not {self.num_keypoints}', title)
                return False
        return True


def _are_points(values: object) -> bool:
    return isinstance(values, list) and all(are_numbers(v, 2) for v in values)
