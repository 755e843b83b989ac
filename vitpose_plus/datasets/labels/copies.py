"""Finds pictures with equal content, so that a copied picture is not used twice."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

from vitpose_plus.datasets.labels.model import LabelledPicture, Labels
from vitpose_plus.files import sha256


class Contents:
    """The contents of picture files. Files are read only if their sizes are equal.

    Args:
        paths: The first pictures.
    """

    def __init__(self, paths: Iterable[Path] = ()) -> None:
        self._by_size: dict[int, list[_Content]] = {}
        for path in paths:
            self.add(path)

    def add(self, path: Path) -> None:
        content = _Content(path)
        self._by_size.setdefault(content.size, []).append(content)

    def equal(self, path: Path) -> list[Path]:
        """The added pictures whose files are equal to this one, byte by byte."""
        content = _Content(path)
        candidates = self._by_size.get(content.size, [])
        return [each.path for each in candidates if each.digest == content.digest]


class _Content:
    def __init__(self, path: Path) -> None:
        self.path, self.size = path, path.stat().st_size

    @cached_property
    def digest(self) -> str:
        return sha256(self.path)


def without_copies(
    pictures: Iterable[LabelledPicture], contents: Contents
) -> list[LabelledPicture]:
    """Returns the pictures that are not equal to an earlier one; adds them to the contents."""
    kept = []
    for picture in pictures:
        if not contents.equal(picture.path):
            contents.add(picture.path)
            kept.append(picture)
    return kept


def joined(groups: Sequence[Labels]) -> Labels:
    """Returns the labels of groups with equal names as one.

    Pictures without instances are left out, and copies of the pictures of earlier groups.
    """
    first, *others = groups
    pictures = first.labelled_pictures
    contents = Contents(picture.path for picture in pictures)
    for group in others:
        pictures += without_copies(group.labelled_pictures, contents)
    return Labels(first.names, joint_links(groups), pictures)


def joint_links(groups: Sequence[Labels]) -> tuple[tuple[int, int], ...]:
    """The links of the first group that has some."""
    return next((group.links for group in groups if group.links), ())
