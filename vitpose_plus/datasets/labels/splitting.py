"""Splits pictures into those for training and those that are held out: each rule is a class."""

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vitpose_plus.errors import UserError
from vitpose_plus.files import common_end, parts, replacing

SHARE = 0.2
LONGEST_BLOCK = 10  # frames
BLOCKS = 3  # the least number of blocks, if there are enough frames


class Split(ABC):
    """Chooses the pictures that are held out."""

    @abstractmethod
    def held_out(self, paths: Sequence[Path]) -> list[int]:
        """Returns the sorted rows of the pictures that are held out.

        Raises:
            UserError: No picture would be held out, or none would be left for the training.
        """


class RandomSplit(Split):
    """Single pictures. Neighbouring frames of a film can be in both parts.

    Args:
        share: The part of the pictures that is held out, between 0 and 1.
        seed: The seed of the choice.
    """

    def __init__(self, share: float = SHARE, seed: int = 0) -> None:
        if not 0 < share < 1:
            raise UserError(f'The share of held-out pictures is {share}: give one between 0 and 1.')
        self._share, self._seed = share, seed

    def held_out(self, paths: Sequence[Path]) -> list[int]:
        if len(paths) < 2:
            raise UserError(f'The labels have {len(paths)} picture: a split needs at least 2.')
        return self._choose(self._groups(paths), len(paths))

    def _choose(self, groups: list[list[int]], number: int) -> list[int]:
        """Adds random groups while the number comes nearer to the share, but never all groups."""
        target = max(1, round(self._share * number))
        chosen: list[int] = []
        for which in np.random.default_rng(self._seed).permutation(len(groups)):
            total = len(chosen) + len(groups[which])
            if abs(total - target) < target - len(chosen) and total < number:
                chosen += groups[which]
        return sorted(chosen or min(groups, key=len))

    def _groups(self, paths: Sequence[Path]) -> list[list[int]]:
        """The rows that stay together."""
        return [[row] for row in range(len(paths))]


class BlockSplit(RandomSplit):
    """Whole blocks of consecutive frames of each folder, in the order of their numbers.

    A block has at most ``LONGEST_BLOCK`` frames, and fewer if less than ``BLOCKS`` would be held
    out.
    """

    def _groups(self, paths: Sequence[Path]) -> list[list[int]]:
        target = max(1, round(self._share * len(paths)))
        length = int(np.clip(target // BLOCKS, 1, LONGEST_BLOCK))
        blocks = []
        for rows in films(paths).values():
            number = max(1, round(len(rows) / length))
            blocks += [block.tolist() for block in np.array_split(rows, number)]
        return blocks


class FilmSplit(RandomSplit):
    """Whole folders: the frames of a film are in one folder."""

    def _groups(self, paths: Sequence[Path]) -> list[list[int]]:
        groups = list(films(paths).values())
        if len(groups) < 2:
            raise UserError(
                f'All pictures are in one folder ({Path(paths[0]).parent}): hold out blocks of '
                'frames (--split block), because a split by films needs at least 2 folders.'
            )
        return groups


class ListedSplit(Split):
    """The pictures that a file lists: one name or tail of a path on each line.

    Args:
        path: The text file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def held_out(self, paths: Sequence[Path]) -> list[int]:
        try:
            lines = self._path.read_text(encoding='utf-8-sig').splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(
                f'{self._path} (held-out pictures) cannot be read ({error}): give a text file.'
            ) from error
        by_name: dict[str, list[int]] = {}
        split = [parts(str(path)) for path in paths]
        for row, path in enumerate(split):
            by_name.setdefault(path[-1], []).append(row)
        rows = {
            self._row(number, line.strip(), by_name, split)
            for number, line in enumerate(lines, 1)
            if line.strip()
        }
        if not rows or len(rows) == len(paths):
            raise UserError(
                f'{self._path} lists {len(rows)} of {len(paths)} pictures: list some, not all.'
            )
        return sorted(rows)

    def _row(
        self, number: int, name: str, by_name: dict[str, list[int]], split: list[list[str]]
    ) -> int:
        wanted = parts(name)
        rows = by_name.get(wanted[-1], [])
        lengths = [common_end(wanted, split[row]) for row in rows]
        best = [row for row, n in zip(rows, lengths, strict=True) if n == max(lengths)]
        if len(best) == 1:
            return best[0]
        what = 'names no labelled picture' if not best else f'fits {len(best)} labelled pictures'
        raise UserError(
            f'{self._path} (line {number}) {what}: {name}: correct the name, or give its folder.'
        )


SPLITS: dict[str, type[RandomSplit]] = dict(block=BlockSplit, random=RandomSplit, film=FilmSplit)


def common_folder(paths: Sequence[Path]) -> Path:
    """The deepest folder below which all pictures are, as an absolute path."""
    return Path(os.path.commonpath([Path(picture).absolute().parent for picture in paths]))


def write_held_out(
    path: Path, rows: Sequence[int], paths: Sequence[Path], below: Path | None = None
) -> None:
    """Writes the names of pictures, as ``ListedSplit`` reads them.

    The names are paths that begin with the folder that contains these pictures.

    Args:
        path: The text file.
        rows: The rows of the pictures that are held out.
        paths: All pictures.
        below: The folder that contains the held-out pictures; None: ``common_folder`` of all.
    """
    base = common_folder(paths) if below is None else below.absolute()
    absolute = [Path(paths[row]).absolute() for row in sorted(rows)]
    names = [Path(os.path.relpath(each, base.parent)).as_posix() for each in absolute]
    with replacing(path) as part:
        part.write_text(''.join(f'{name}\n' for name in names), encoding='utf-8')


def films(paths: Sequence[Path]) -> dict[Path, list[int]]:
    """Folder -> rows of its pictures, in the order of the numbers in their names."""
    rows: dict[Path, list[int]] = {}
    for row in sorted(range(len(paths)), key=lambda row: _natural(Path(paths[row]).name)):
        rows.setdefault(Path(paths[row]).parent, []).append(row)
    return dict(sorted(rows.items()))


def _natural(name: str) -> list[tuple[int, int | str]]:
    """A key with which img2 comes before img10."""
    pieces = re.split(r'([0-9]+)', name)
    return [(0, int(piece)) if piece.isdigit() else (1, piece) for piece in pieces]
