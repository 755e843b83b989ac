"""Checks joined contents against the pictures, and makes ``Labels``."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vitpose_plus.datasets.checking.annotation_file import fitting
from vitpose_plus.datasets.checking.findings import Findings, by
from vitpose_plus.datasets.checking.pictures import TURNED
from vitpose_plus.datasets.labels.finding import PictureFinder
from vitpose_plus.datasets.labels.joining import joint_names
from vitpose_plus.datasets.labels.label_format import Animal, Content, Entry
from vitpose_plus.datasets.labels.model import LabelledInstance, LabelledPicture, Labels
from vitpose_plus.datasets.labels.sizes import size_of

HINT = 'correct the label'


def assemble(
    contents: Sequence[Content], finder: PictureFinder, names_of: Sequence[Content] = ()
) -> Labels:
    """Returns the labels of contents with one category.

    Args:
        contents: The contents.
        finder: Finds their pictures.
        names_of: Other contents whose names come first; the names of all must be equal.

    Raises:
        UserError: A label or picture has a fault. Names are checked first, then pictures, then
            coordinates; the message counts equal faults.
    """
    named, findings = joint_names([*names_of, *contents]), Findings()
    if not named.names or not any(e.animals for content in contents for e in content.entries):
        for content in contents:
            findings.add(str(content.path), 'has no labelled keypoint', '', 'label some pictures')
        findings.raise_first()
    pictures, taken = [], {}
    for content in contents:
        for entry in content.entries:
            path = finder.find(content.path, entry.place, entry.picture)
            where = f'{content.path} ({entry.place})' if entry.place else str(content.path)
            other = taken.setdefault(os.path.realpath(path), where)
            if other is not where:
                what, hint = 'labels a picture a second time', f'remove it here or in {other}'
                place = f'{entry.place}, {path}' if entry.place else str(path)
                findings.add(str(content.path), what, place, hint)
            check = _PictureCheck(content, entry, path, findings)
            pictures.append(check.checked(named.names))
    findings.raise_first()
    return Labels(named.names, named.links, pictures)


class _PictureCheck:
    """Checks the labels of one picture; collects faults in the findings."""

    def __init__(self, content: Content, entry: Entry, path: Path, findings: Findings) -> None:
        self.file, self.entry, self.path, self.findings = str(content.path), entry, path, findings

    def checked(self, names: tuple[str, ...]) -> LabelledPicture:
        size_wh, is_turned = size_of(self.path)
        given = self.entry.size_wh
        if given is not None and tuple(given) != size_wh:
            what = f'has another size in the labels than the picture {self.path}'
            hint = 'label it again, or give the pictures that were labelled'
            if is_turned and tuple(given) == size_wh[::-1]:
                what = f'has labels of the size before turning, but the picture {TURNED}'
                hint = 'turn the picture file, and label it again'
            self._wrong(what, self.entry.place, f'{by(given)}, not {by(size_wh)}', hint)
        instances = [self._instance(one, names, size_wh) for one in self.entry.animals]
        return LabelledPicture(self.path, size_wh, instances)

    def _instance(
        self, animal: Animal, names: tuple[str, ...], size_wh: tuple[int, int]
    ) -> LabelledInstance:
        points = np.zeros((len(names), 3))
        for point in animal.points:
            row, xy = names.index(point.name), np.array([point.x, point.y])
            value = f'{point.name}: {point.x:g}, {point.y:g}'
            if points[row, 2]:
                what = 'names a keypoint twice for one animal'
                hint = 'group the points of each animal, or remove one of them'
                self._wrong(what, point.place, value, hint)
            if not np.isfinite(xy).all():
                what = 'has a keypoint that is not finite and is called visible'
                self._wrong(what, point.place, value, 'leave x and y empty if it is missing')
            elif (xy < 0).any() or (xy > size_wh).any():
                what = f'has a keypoint outside of the picture ({by(size_wh)})'
                self._wrong(what, point.place, value, HINT)
            points[row] = point.x, point.y, point.visibility
        if animal.box is None:
            return LabelledInstance(points)
        box = np.array(animal.box, float)
        if not np.isfinite(box).all() or not fitting(box[None], np.array([size_wh]))[0]:
            what = 'has a box that is empty, not finite or mostly outside of the picture'
            self._wrong(what, self.entry.place, ', '.join(f'{value:g}' for value in box), HINT)
        return LabelledInstance(points, box)

    def _wrong(self, what: str, place: str, value: str, hint: str) -> None:
        """Names the place, the picture and the value."""
        places = [place] if place else []
        if self.entry.picture not in place:
            places.append(self.entry.picture)
        self.findings.add(self.file, what, f'{", ".join(places)} ({value})', hint)
