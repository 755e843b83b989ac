"""Finds the pictures that label files name, also after folders were moved."""

import os
import re
from pathlib import Path

from vitpose_plus.datasets.checking.annotation_file import is_file_name
from vitpose_plus.datasets.checking.findings import shortened
from vitpose_plus.datasets.labels.label_format import is_name
from vitpose_plus.errors import UserError
from vitpose_plus.files import PICTURES, common_end, parts

UPLOADED = re.compile(r'^[0-9a-f]{8}-(?=.)')  # Label Studio writes it before the name of an upload
LONGEST = 4096  # characters of a path on Linux; other systems allow fewer
PARENTS = 2  # annotations/a.json beside images/; labeled-data/FILM/CollectedData.csv
BESIDE = ('', 'images')  # folders beside a label file in the exports of labelling tools


def finder(pictures: Path | None) -> 'PictureFinder':
    """Returns the finder for a folder of pictures, or for pictures near their label file."""
    return NearFinder() if pictures is None else BelowFinder(pictures)


class PictureFinder:
    """Finds a picture by the longest tail of its path; a tail can be only its name."""

    def find(self, label_file: Path, place: str, name: str) -> Path:
        """Returns the path of the picture.

        Args:
            label_file: The file that names the picture.
            place: Where the file names it, for messages.
            name: The name or path in the file, with slashes or backslashes.

        Raises:
            UserError: No picture fits, or several do.
        """
        where = f'{label_file} ({place})' if place else str(label_file)
        if not is_file_name(name) or not is_name(name) or len(name) > LONGEST:
            raise UserError(f'{where} names the picture {shortened(name)}: correct the name.')
        last = parts(name)[-1]
        found = self._candidates(label_file, name)
        if not found and UPLOADED.match(last):
            found = self._candidates(label_file, name.removesuffix(last) + UPLOADED.sub('', last))
        if not found:
            raise UserError(f'{where} names the picture {name}, which {self.missing(label_file)}.')
        if len(found) > 1:
            raise UserError(
                f'{where} names the picture {name}, which can be {found[0]} or {found[1]}: write '
                'its folder into the label file, or give a folder of pictures with only one of '
                'them.'
            )
        return found[0]

    def missing(self, label_file: Path) -> str:
        """The end of the message for a picture that is missing."""
        raise NotImplementedError

    def _candidates(self, label_file: Path, name: str) -> list[Path]:
        """The pictures with the longest tail in common with the path; none or several."""
        raise NotImplementedError


class BelowFinder(PictureFinder):
    """Finds pictures below one folder.

    Args:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise UserError(f'{folder} (pictures) is not a folder: correct its path.')
        self._folder = folder
        self._by_name: dict[str, list[tuple[list[str], Path]]] = {}  # parts below the folder, path
        seen: set[str] = set()  # a link can lead back to a folder above it
        for base, folders, names in os.walk(folder, followlinks=True):
            if (real := os.path.realpath(base)) in seen:
                folders.clear()
                continue
            seen.add(real)
            for name in names:
                if name.lower().endswith(PICTURES):
                    path = Path(base, name)
                    below = parts(str(path.relative_to(folder)))
                    self._by_name.setdefault(below[-1], []).append((below, path))

    def missing(self, label_file: Path) -> str:
        return f'is not below {self._folder}: add it there, or remove it from the label file'

    def _candidates(self, label_file: Path, name: str) -> list[Path]:
        wanted = parts(name)
        named = self._by_name.get(wanted[-1], [])
        lengths = [common_end(wanted, below) for below, _ in named]
        best = [one for one, n in zip(named, lengths, strict=True) if n == max(lengths)]
        # If several tails are equally long, a complete path is better than a part of a path.
        complete = [one for one in best if len(one[0]) == max(lengths)]
        return sorted(path for _, path in complete or best)


class NearFinder(PictureFinder):
    """Finds pictures at their path, in the folder of the label file, or beside that folder."""

    def missing(self, label_file: Path) -> str:
        return f'is not in or beside {label_file.parent}: give the folder of pictures (--pictures)'

    def _candidates(self, label_file: Path, name: str) -> list[Path]:
        wanted = parts(name)
        exact = label_file.parent / name  # an absolute path stays as it is
        if os.path.isfile(exact):
            return [exact]
        bases = _bases(label_file.parent)
        for start in range(len(wanted)):
            tail = '/'.join(wanted[start:])
            paths = [path for base in bases if os.path.isfile(path := f'{base}/{tail}')]
            if paths:
                return [Path(path) for path in {os.path.realpath(p): p for p in paths}.values()]
        return []


def _bases(folder: Path) -> list[Path]:
    """The folder and its next parents, and their folders of pictures."""
    folders = [folder, *folder.absolute().parents[:PARENTS]]
    return [base / beside for base in folders for beside in BESIDE]
