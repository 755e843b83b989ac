"""Journals contain what a run has predicted so far, so that another run can resume.

Every process of every run appends to its own journal. Its lines are JSON objects in the order of
the pictures:

- a prediction: ``number`` and the content of ``Result.to_dict``, without tracks and smoothing;
- a failure: ``number``, ``source``, ``frame`` and ``error``;
- the end of a film: ``number`` and ``end``.

``number`` is the number of the picture or film among all entries of the sources. The predictions
of all journals are merged in this order.
"""

import heapq
import json
import math
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import Any

from vitpose_plus.datasets.skeletons import Skeleton
from vitpose_plus.inference.instances import Instance
from vitpose_plus.inference.items import Item
from vitpose_plus.inference.results import Result
from vitpose_plus.inference.writing import disk_errors, write_line

Line = dict[str, Any]
INSTANCES, ERROR, END = 'instances', 'error', 'end'
PART_BYTES = 2**16  # of a journal, in memory at a time


class Journal:
    """Appends the items of one process to a file, which must not exist.

    This is a context manager. Each line is in the file before the next picture is predicted, and
    stays there if the process is killed.

    Args:
        path: The path of the file.
        skeletons: Dataset name -> its keypoints.
        on_new: A function that is called with each new item after it is written.
    """

    def __init__(
        self, path: Path, skeletons: dict[str, Skeleton], on_new: Callable[[Item], None]
    ) -> None:
        self.path, self.skeletons, self.on_new = path, skeletons, on_new

    def __enter__(self) -> 'Journal':
        with disk_errors(self.path.parent):
            self.file = open(self.path, 'xb', buffering=0)
        return self

    def __exit__(self, *error) -> None:
        self.file.close()

    def record(self, items: Iterable[Item]) -> Iterator[Result]:
        """Writes the new items, and yields the result of every item that has one.

        The numbers of a result are those in the journal, which are rounded. So later stages compute
        the same values in this run and from the journal.
        """
        for number, group in groupby(items, lambda item: item.picture.number):
            is_film = False
            for item in group:
                is_film |= item.picture.frame is not None
                if item.is_new:
                    line = self._line(item)
                    self._write(dict(number=number, **line))
                    self.on_new(item)
                    item.instances = [Instance.from_dict(one) for one in line.get(INSTANCES, ())]
                if not item.failure:
                    yield item.result(self.skeletons)
            if is_film:
                self._write({'number': number, END: True})

    def _write(self, line: Line) -> None:
        with disk_errors(self.path.parent):
            write_line(self.file, line)

    def _line(self, item: Item) -> Line:
        return item.failure._asdict() if item.failure else item.result(self.skeletons).to_dict()


def read(journals: Iterable[Path]) -> Iterator[Line]:
    """Yields the lines of all journals in the order of the pictures, in constant memory.

    A last line that is not complete is left out: its process was killed.
    """
    return heapq.merge(*map(_lines, journals), key=_position)


def _lines(journal: Path) -> Iterator[Line]:
    for line in chain.from_iterable(_parts(journal)):
        if not line.endswith(b'\n'):
            return
        try:
            yield json.loads(line)
        except ValueError:  # after a crash of the machine
            return


def _parts(journal: Path) -> Iterator[list[bytes]]:
    """Yields the lines, some at a time. The file is not kept open: there may be 1000 journals."""
    start, lines = 0, True
    while lines:
        with open(journal, 'rb') as file:
            file.seek(start)
            lines = file.readlines(PART_BYTES)
            start = file.tell()
        yield lines


def order(frame: int | None) -> float:
    """The place of a frame in its film. Lines without a frame come last, as the end of a film."""
    return math.inf if frame is None else frame


def _position(line: Line) -> tuple[int, float]:
    return line['number'], order(line.get('frame'))


def merged(journals: Iterable[Path]) -> Iterator[Line]:
    """Yields one line for each picture: its prediction, or its last failure if it has none."""
    for _, lines in groupby(read(journals), _position):
        found = [line for line in lines if END not in line]
        if found:
            yield next((line for line in found if INSTANCES in line), found[-1])
